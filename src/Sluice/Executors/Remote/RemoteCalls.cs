namespace Sluice.Flows;

/// <summary>Opens calls of processors' functions for execution in other processes, machines or languages.</summary>
public static class RemoteCalls
{
    /// <summary>
    /// Opens a call for execution elsewhere. The result exchanges messages with the other side, which the executor carries.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="send">Sends a message to the other side.</param>
    /// <param name="maxValueBytes">The largest payload of a value, in bytes; a larger one fails the function. Default 16 MiB.</param>
    /// <returns>The service's side of the call. The executor disposes it.</returns>
    public static RemoteCall OpenRemote(this ProcessorCall call, SendMessage send, int maxValueBytes = 16 << 20)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(send);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxValueBytes, 1);
        return new(call, send, maxValueBytes);
    }
}
