using System.Runtime.InteropServices;

namespace Samples;

/// <summary>Ctrl+C and SIGTERM, from the first moment on: asked to end, the program ends as it should; asked again, at once.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly PosixSignalRegistration[] registrations;
    private readonly Action? asked;

    /// <param name="asked">Called by the first of them, before anything ends: to say what is waited for.</param>
    public Interrupts(Action? asked = null)
    {
        this.asked = asked;
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    /// <summary>Set by the first of them.</summary>
    public CancellationToken Stop => stop.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
        stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        // Ending as it should may take long, where a server that it needs does not answer.
        context.Cancel = !stop.IsCancellationRequested;
        if (context.Cancel) asked?.Invoke();
        stop.Cancel();
    }
}
