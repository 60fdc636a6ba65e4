using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Sluice.Cli.Output;

/// <summary>
/// Shows long output page by page, as git does: the program in <c>SLUICE_PAGER</c> or <c>PAGER</c>, by default <c>less</c>. Only a terminal
/// has one.
/// </summary>
internal sealed class Pager
{
    // less ends at once if all fits on one screen (F), shows colors (R), and leaves the text on the screen (X).
    private const string LessOptions = "FRX";
    private const int NotExecutable = 126, NotFound = 127;

    private static volatile Process? shown;
    private static volatile bool isStarting;

    private readonly Process process;
    private readonly string program;

    private Pager(Process process, string program) => (this.process, this.program, shown) = (process, program, process);

    /// <summary>Whether a pager is running. The user may leave it long before the command ends.</summary>
    public static bool IsShown
    {
        get
        {
            try
            {
                return isStarting || shown is { HasExited: false };
            }
            catch (InvalidOperationException)
            {
                return false;                        // disposed meanwhile: it has ended
            }
        }
    }

    public TextWriter Input { get; private init; } = TextWriter.Null;

    /// <summary>Whether the user has left it. Writing fails only then, and only a moment before it ends.</summary>
    public bool HasEnded => process.WaitForExit(TimeSpan.FromSeconds(1));

    /// <summary>Starts the pager; null if there is no terminal, the user wants none, or the system has no shell to find one.</summary>
    public static Pager? Start()
    {
        if (!Screen.IsTerminal || Environment.GetEnvironmentVariable("TERM") == "dumb") return null;
        string? wanted = Environment.GetEnvironmentVariable("SLUICE_PAGER") ?? Environment.GetEnvironmentVariable("PAGER");
        if (wanted is "" or "cat" || (wanted is null && OperatingSystem.IsWindows())) return null;
        var start = new ProcessStartInfo(OperatingSystem.IsWindows() ? "cmd" : "sh",
            OperatingSystem.IsWindows() ? ["/c", wanted!]
                : ["-c", wanted ?? "if command -v less >/dev/null; then exec less; else exec cat; fi"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        if (!start.Environment.ContainsKey("LESS")) start.Environment["LESS"] = LessOptions;
        isStarting = true;                           // the pager may get keys before its process is known here
        try
        {
            Process process = Process.Start(start)!;
            return new(process, wanted ?? "less") { Input = process.StandardInput };
        }
        catch (Win32Exception) when (wanted is null)
        {
            return null;                             // a container without a shell
        }
        catch (Win32Exception failure)
        {
            throw CommandException.Usage($"The pager '{wanted}' (SLUICE_PAGER or PAGER) cannot be started: {failure.Message}. Give "
                + "--no-pager.");
        }
        finally
        {
            isStarting = false;
        }
    }

    /// <summary>Ends the output, and waits until the user has read it.</summary>
    public async Task CloseAsync()
    {
        try
        {
            await process.StandardInput.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The user has left before the end.
        }
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        shown = null;
        if (process.ExitCode is NotExecutable or NotFound)
            throw CommandException.Usage($"The pager '{program}' (SLUICE_PAGER or PAGER) "
                + $"{(process.ExitCode == NotFound ? "does not exist" : "cannot be executed")}: set another one, or give --no-pager.");
        process.Dispose();
    }
}
