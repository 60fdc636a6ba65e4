using System.Runtime.InteropServices;

namespace Sluice.Cli;

/// <summary>Ctrl+C. The first one cancels the command, which ends with what it has done; a second one ends the process.</summary>
/// <remarks>A pager gets Ctrl+C, too, and decides itself what it means; so the command waits for the pager.</remarks>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration registration;

    public Interrupts() => registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
    {
        context.Cancel = !source.IsCancellationRequested;
        source.Cancel();
    });

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        registration.Dispose();
        source.Dispose();
    }
}
