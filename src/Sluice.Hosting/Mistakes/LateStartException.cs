namespace Sluice.Hosting;

/// <summary>The host gave up starting: <c>HostOptions.StartupTimeout</c> has passed, or the token of the start was cancelled.</summary>
/// <param name="doing">What the start waited for: a sentence without its beginning.</param>
/// <param name="cause">The cancellation.</param>
internal sealed class LateStartException(string doing, Exception cause)
    : OperationCanceledException($"The host gave up starting (HostOptions.StartupTimeout, or the token of the start): {doing}", cause)
{
    /// <summary>Returns the message only: a host logs all of it, and the stack is that of the host.</summary>
    public override string ToString() => Message;
}
