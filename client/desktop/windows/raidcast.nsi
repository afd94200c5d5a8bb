; The installer for Windows: for the user who starts it, without an administrator's password.
;
; `cargo xtask dist` gives: VERSION, VERSION4 (four numbers), FROM (the folder with what is installed), ICON, OUT.
;
; What it is started with: /S says nothing and asks nothing, /P shows how far it is and asks nothing, /UPDATE leaves the
; start menu as the user has it, /R starts the app at the end, with what stands behind /ARGS.
;
; It goes to Programs\Raidcast. The folder raidcast beside Programs is where client and app keep what has not arrived
; yet: neither the installer nor the uninstaller touches it, nor the settings in the roaming folder.

Target amd64-unicode
ManifestDPIAware true
ManifestSupportedOS all
RequestExecutionLevel user
SetCompressor /SOLID lzma

!include FileFunc.nsh
!include LogicLib.nsh
!include MUI2.nsh
!include Win\COM.nsh
!include Win\Propkey.nsh

!define APP "raidcast-desktop.exe"
!define COMMAND_LINE "raidcast.exe"
; As in tauri.conf.json: notices have the name and the icon of the shortcut that says the same.
!define APP_ID "app.raidcast.desktop"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Raidcast"
!define RUN "Software\Microsoft\Windows\CurrentVersion\Run"
!define RUN_APPROVED "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
; What Microsoft's WebView2 calls itself.
!define WEBVIEW "Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}"
!define WEBVIEW_PAGE "https://developer.microsoft.com/microsoft-edge/webview2/"
; How often is looked whether a program has ended, and after how many ms each.
!define LOOKS 40
!define LOOK_MS 500

Name "Raidcast"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Raidcast"
BrandingText "Raidcast ${VERSION}"
VIProductVersion "${VERSION4}"
VIAddVersionKey "ProductName" "Raidcast"
VIAddVersionKey "FileDescription" "Raidcast"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "The Raidcast authors"

Var Passive
Var Update
Var Restart
Var Arguments

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\${APP}"
!define MUI_PAGE_CUSTOMFUNCTION_PRE LeaveOut
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_INSTFILES
!define MUI_PAGE_CUSTOMFUNCTION_PRE LeaveOut
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "SimpChinese"

LangString RUNS ${LANG_ENGLISH} "Raidcast is running. Choose Quit in its tray menu, then try again."
LangString RUNS ${LANG_SIMPCHINESE} "Raidcast 正在运行。请在托盘菜单中选择“退出”，然后重试。"
LangString NO_WEBVIEW ${LANG_ENGLISH} "Raidcast's window needs Microsoft WebView2, which is not on this computer. Install it from$\n${WEBVIEW_PAGE}"
LangString NO_WEBVIEW ${LANG_SIMPCHINESE} "Raidcast 的窗口需要 Microsoft WebView2，但这台电脑上没有。请从以下网址安装：$\n${WEBVIEW_PAGE}"

; An option that stands alone: sets a variable to 1 where it is given.
!macro Given option variable
  ClearErrors
  ${GetOptions} $R0 "${option}" $R1
  ${IfNot} ${Errors}
    StrCpy ${variable} 1
  ${EndIf}
!macroend

Function .onInit
  ${GetParameters} $R0
  !insertmacro Given "/P" $Passive
  !insertmacro Given "/UPDATE" $Update
  !insertmacro Given "/R" $Restart
  ClearErrors
  ${GetOptions} $R0 "/ARGS" $Arguments
  ${If} $Passive = 1
    SetAutoClose true
  ${EndIf}
FunctionEnd

; Before a page that only asks.
Function LeaveOut
  ${If} $Passive = 1
    Abort
  ${EndIf}
FunctionEnd

; Waits until nobody runs a program: what runs cannot be written. An app that updates itself ends on its own.
!macro WaitFor program
  StrCpy $R2 0
  ${Do}
    ${IfNot} ${FileExists} "$INSTDIR\${program}"
      ${ExitDo}
    ${EndIf}
    ClearErrors
    FileOpen $R3 "$INSTDIR\${program}" a
    ${IfNot} ${Errors}
      FileClose $R3
      ${ExitDo}
    ${EndIf}
    IntOp $R2 $R2 + 1
    ${If} $R2 > ${LOOKS}
    ${OrIf} $Update <> 1
      ; Silent, this is Cancel.
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(RUNS)" /SD IDCANCEL IDRETRY +3
      SetErrorLevel 2
      Abort "$(RUNS)"
      StrCpy $R2 0
    ${EndIf}
    Sleep ${LOOK_MS}
  ${Loop}
!macroend

; Says whose notices the shortcut in $R4 stands for.
Function NameShortcut
  !insertmacro ComHlpr_CreateInProcInstance ${CLSID_ShellLink} ${IID_IShellLink} r0 ""
  ${If} $0 P= 0
    Return
  ${EndIf}
  ${IUnknown::QueryInterface} $0 '("${IID_IPersistFile}", .r1)'
  ${IUnknown::QueryInterface} $0 '("${IID_IPropertyStore}", .r2)'
  ${If} $1 P<> 0
  ${AndIf} $2 P<> 0
    ; Read and write.
    ${IPersistFile::Load} $1 '("$R4", 2)'
    System::Call '*(&w64 "${APP_ID}") p.r3'
    System::Call '*${SYSSTRUCT_PROPERTYKEY}(${PKEY_AppUserModel_ID}) p.r4'
    System::Call '*(&i2 ${VT_LPWSTR}, &i6 0, p r3, p 0) p.r5'
    ${IPropertyStore::SetValue} $2 '(r4, r5)'
    ${IPropertyStore::Commit} $2 ""
    ${IPersistFile::Save} $1 '("$R4", 1)'
    System::Free $5
    System::Free $4
    System::Free $3
  ${EndIf}
  !insertmacro ComHlpr_SafeRelease $2
  !insertmacro ComHlpr_SafeRelease $1
  !insertmacro ComHlpr_SafeRelease $0
FunctionEnd

; Without it the window stays away, and nothing else says why.
Function LookForWebView
  ReadRegStr $R5 HKLM "SOFTWARE\WOW6432Node\${WEBVIEW}" "pv"
  ReadRegStr $R6 HKCU "Software\${WEBVIEW}" "pv"
  ${If} "$R5$R6" == ""
  ${OrIf} "$R5$R6" == "0.0.0.0"
    DetailPrint "$(NO_WEBVIEW)"
    ${If} $Passive <> 1
      MessageBox MB_OK|MB_ICONINFORMATION "$(NO_WEBVIEW)" /SD IDOK
    ${EndIf}
  ${EndIf}
FunctionEnd

Section
  SetOutPath "$INSTDIR"
  !insertmacro WaitFor ${APP}
  !insertmacro WaitFor ${COMMAND_LINE}
  File /r "${FROM}/*"
  WriteUninstaller "$INSTDIR\uninstall.exe"

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Raidcast"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\${APP}"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Raidcast authors"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $R7 $R8 $R9
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" $R7

  StrCpy $R4 "$SMPROGRAMS\Raidcast.lnk"
  ; Who has removed it from the start menu is not given it back by an update.
  ${If} $Update <> 1
  ${OrIf} ${FileExists} "$R4"
    CreateShortcut "$R4" "$INSTDIR\${APP}"
    Call NameShortcut
  ${EndIf}
  Call LookForWebView
SectionEnd

; Not on a page: a silent one has none.
Function .onInstSuccess
  ${If} $Restart = 1
    Exec '"$INSTDIR\${APP}" $Arguments'
  ${EndIf}
FunctionEnd

; Nothing was written yet: what was there goes on.
Function .onInstFailed
  ${If} $Restart = 1
  ${AndIf} ${FileExists} "$INSTDIR\${APP}"
    Exec '"$INSTDIR\${APP}" $Arguments'
  ${EndIf}
FunctionEnd

Section "Uninstall"
  !insertmacro WaitFor ${APP}
  !insertmacro WaitFor ${COMMAND_LINE}
  Delete "$INSTDIR\${APP}"
  Delete "$INSTDIR\${COMMAND_LINE}"
  Delete "$INSTDIR\WebView2Loader.dll"
  Delete "$INSTDIR\*.md"
  Delete "$INSTDIR\LICENSE-*"
  Delete "$INSTDIR\uninstall.exe"
  ; What somebody else put there stays, and the folder with it.
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Raidcast.lnk"
  DeleteRegValue HKCU "${RUN}" "Raidcast"
  DeleteRegValue HKCU "${RUN_APPROVED}" "Raidcast"
  DeleteRegKey HKCU "${UNINSTALL}"
  ; Nothing but what the window can load again.
  RMDir /r "$LOCALAPPDATA\${APP_ID}\EBWebView"
SectionEnd
