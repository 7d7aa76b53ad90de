"""How sound gets from the browser to the PBX: `direct` (the PBX speaks WebRTC, we pass descriptions)."""
