FLASK_APP=zgpt.app
