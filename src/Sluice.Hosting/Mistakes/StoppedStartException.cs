namespace Sluice.Hosting;

/// <summary>The host was asked to stop before it had started. A start that has taken too long (<c>HostOptions.StartupTimeout</c>) is none:
/// it has failed.</summary>
internal sealed class StoppedStartException(Exception cause)
    : OperationCanceledException("The host was asked to stop before it had started.", cause)
{
    /// <summary>Returns the message only: a host logs all of it, and a stop is no failure.</summary>
    public override string ToString() => Message;
}
