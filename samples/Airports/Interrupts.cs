using System.Runtime.InteropServices;

namespace Airports;

/// <summary>
/// What the outside world asks of a run: the first Ctrl+C (or SIGTERM) asks it to drain, the second one to stop at once.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    // SIGXFSZ is 25 on Linux, on all processors but MIPS, and on macOS; .NET has no name for it.
    private const PosixSignal FileSizeExceeded = (PosixSignal)25;

    private readonly CancellationTokenSource drain = new();
    private readonly CancellationTokenSource cancel = new();
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly Lock once = new();

    public Interrupts()
    {
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Handle(context, 130)));
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Handle(context, 143)));

        // A write beyond the limit of `ulimit -f` should fail as a write on a full disk does, not kill the process.
        if (!OperatingSystem.IsWindows())
            registrations.Add(PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true));
    }

    /// <summary>Set by the first interrupt.</summary>
    public CancellationToken Drain => drain.Token;

    /// <summary>Set by the second.</summary>
    public CancellationToken Cancel => cancel.Token;

    /// <summary>128 plus the number of the first signal that came, as shells do it; 0 if none did.</summary>
    public int ExitCode { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        drain.Dispose();
        cancel.Dispose();
    }

    private void Handle(PosixSignalContext context, int exitCode)
    {
        context.Cancel = true;
        lock (once)
        {
            if (ExitCode == 0) ExitCode = exitCode;
            else
            {
                cancel.Cancel();
                return;
            }
        }

        drain.Cancel();
    }
}
