using System.Runtime.InteropServices;

namespace Sluice.Cli;

/// <summary>
/// The signals that end a command. The first one cancels the command, which ends with what it has done; a second one ends the process. The
/// end of the program that reads the output (<c>| head -1</c>) cancels the command, too.
/// </summary>
/// <remarks>
/// A pager gets Ctrl+C, too, and decides itself what it means: in <c>less</c> it ends a search. So the command waits for the pager, however
/// often the user presses it. The hang-up of a terminal may come twice: the system sends it, and the shell, too. So a second hang-up
/// does not end the process at once. The process ends half a minute after the first one, if the command goes on for so long.
/// </remarks>
internal sealed class Interrupts : IDisposable
{
    private static readonly TimeSpan HungUpTimeout = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<PosixSignal, int> Codes = new()
    {
        [PosixSignal.SIGINT] = ExitCodes.Interrupted,
        [PosixSignal.SIGTERM] = ExitCodes.Terminated,
        [PosixSignal.SIGHUP] = ExitCodes.HungUp,
    };

    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly ITimer hungUp = TimeProvider.System.CreateTimer(static _ => Environment.Exit(ExitCodes.HungUp), null,
        Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    private volatile int code;
    private bool isEnding;                           // since the first hang-up

    public Interrupts()
    {
        foreach (PosixSignal signal in Codes.Keys) registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
        OutputReader.WhenGone(() => Cancel(ExitCodes.ReaderGone));
    }

    public CancellationToken Token => source.Token;

    /// <summary>The exit code of a command that ended with another one, after a signal.</summary>
    public int Apply(int exitCode) => code switch
    {
        ExitCodes.ReaderGone when exitCode is ExitCodes.Fine or ExitCodes.Interrupted => code,
        not 0 when exitCode == ExitCodes.Interrupted => code,
        _ => exitCode,
    };

    // A terminal that has closed may send its signal until the process has ended.
    public void Dispose()
    {
        if (code != ExitCodes.HungUp) registrations.ForEach(static registration => registration.Dispose());
        hungUp.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = !source.IsCancellationRequested || context.Signal == PosixSignal.SIGHUP
            || (context.Signal == PosixSignal.SIGINT && Pager.IsShown);
        if (context.Signal == PosixSignal.SIGHUP && !Interlocked.Exchange(ref isEnding, true))
            hungUp.Change(HungUpTimeout, Timeout.InfiniteTimeSpan);
        Cancel(Codes[context.Signal]);
    }

    // The first reason is the exit code.
    private void Cancel(int reason)
    {
        _ = Interlocked.CompareExchange(ref code, reason, 0);
        source.Cancel();
    }
}
