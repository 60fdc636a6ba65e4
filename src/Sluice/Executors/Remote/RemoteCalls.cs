namespace Sluice;

/// <summary>Opens calls of processors' functions for other processes, machines and languages.</summary>
public static class RemoteCalls
{
    /// <summary>Opens the call for a function elsewhere: what is returned has the serialized call and the streams for it, as messages that the executor brings over.</summary>
    /// <param name="call">The call.</param>
    /// <param name="send">Brings a message to the other side.</param>
    /// <param name="maxValueBytes">The longest payload of a value that is sent, in bytes; 16 MiB unless given. A longer one fails the function.</param>
    /// <returns>This side of the call; to be disposed by the executor.</returns>
    public static RemoteCall OpenRemote(this ProcessorCall call, SendMessage send, int maxValueBytes = 16 << 20)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(send);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxValueBytes, 1);
        return new(call, send, maxValueBytes);
    }
}
