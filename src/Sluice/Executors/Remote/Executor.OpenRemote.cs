namespace Sluice.Flows;

public static partial class Executor
{
    /// <summary>
    /// Opens a call for execution in another process, on another machine or in another language. The result exchanges messages with the
    /// other side, which the executor carries.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="send">
    /// Sends a message to the other side; docs/writing-an-executor.md describes the messages. It is called for one message of a call at a
    /// time, in order. The bytes are valid only during the call: copy or send them, and do not wait for the other side to handle them. An
    /// exception ends the call: the execution is lost.
    /// </param>
    /// <param name="maxValueBytes">The largest payload of a value, in bytes; a larger one fails the function. Default 16 MiB.</param>
    /// <param name="place">Where the function is executed, for errors, as the subject of a sentence. Default: its process.</param>
    /// <param name="option">The option that sets <paramref name="maxValueBytes"/>, for errors; null for none.</param>
    /// <returns>The service's side of the call. The executor disposes it.</returns>
    public static RemoteCall OpenRemote(this ProcessorCall call, Action<ReadOnlySpan<byte>> send, int maxValueBytes = 16 << 20,
        string place = "the process of the function", string? option = null)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(send);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxValueBytes, 1);
        ArgumentNullException.ThrowIfNull(place);
        return new(call, send, maxValueBytes, place, option);
    }
}
