namespace Sluice.Hosting;

/// <summary>The host gave up starting: <c>HostOptions.StartupTimeout</c> has passed, or the token of the start was cancelled.</summary>
/// <param name="doing">What had not happened yet, for example "the consecutor orders had not started."</param>
/// <param name="cause">The cancellation.</param>
internal sealed class LateStartException(string doing, Exception cause)
    : OperationCanceledException($"The host gave up starting (HostOptions.StartupTimeout, or the token of the start): {doing}", cause)
{
    /// <summary>Returns the message only. A host logs this text, and the stack trace would show only frames of the host.</summary>
    public override string ToString() => Message;
}
