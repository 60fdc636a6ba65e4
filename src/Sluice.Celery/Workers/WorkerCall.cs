using System.Threading.Channels;

namespace Sluice.Celery;

/// <summary>One call over the connection to a worker: the connection begins and ends with it.</summary>
/// <param name="worker">The connection; the call closes it.</param>
/// <param name="options">Limits and timeouts.</param>
/// <param name="task">The task, for people.</param>
internal sealed class WorkerCall(WorkerConnection worker, CeleryExecutorOptions options, string task)
{
    private const int Beside = 1 << 18;              // the rest of a frame with a payload: a trace; also a failure

    /// <summary>Has the worker execute the function to its end.</summary>
    /// <exception cref="ExecutionLostException">The worker was gone before the end of the function.</exception>
    /// <exception cref="OperationCanceledException">The execution was cancelled.</exception>
    /// <exception cref="FlowException">The function has failed.</exception>
    public async Task ExecuteAsync(ProcessorCall called, CancellationToken cancellation)
    {
        var outgoing = Channel.CreateUnbounded<byte[]>(new() { SingleReader = true });
        using RemoteCall call = called.OpenRemote(message => outgoing.Writer.TryWrite(Frames.Of(message)), options.MaxValueBytes,
            "a Celery worker", "CeleryExecutorOptions.MaxValueBytes");
        using ITimer timer = TimeProvider.System.CreateTimer(_ => EndLate(call), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(_ => timer.Change(options.StopTimeout,
            Timeout.InfiniteTimeSpan), null);
        Task sending = SendAsync(call, outgoing.Reader), receiving = ReceiveAsync(call);
        try
        {
            await call.ExecuteAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            outgoing.Writer.TryComplete();
            worker.Dispose();
            await sending.ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
    }

    private void EndLate(RemoteCall call)
    {
        call.Lose(new($"{task} did not end within {options.StopTimeout} after its cancellation."));
        worker.Dispose();
    }

    // Never throws.
    private async Task SendAsync(RemoteCall call, ChannelReader<byte[]> frames)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await foreach (byte[] frame in frames.ReadAllAsync().ConfigureAwait(false))
                await worker.Stream.WriteAsync(frame).ConfigureAwait(false);
        }
        catch (Exception)
        {
            call.Lose(Lost(""));                     // the worker is gone, or no longer needed
        }
    }

    // Never throws.
    private async Task ReceiveAsync(RemoteCall call)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        string why = "";
        try
        {
            while (await Frames.ReadAsync(worker.Stream, (long)options.MaxValueBytes + Beside, CancellationToken.None)
                .ConfigureAwait(false) is { } frame)
                if (TakeAndEnd(call, frame)) return;             // the worker may go: it has said all
        }
        catch (InvalidDataException e)
        {
            why = $" It was cut off, because it sent what it should not: {e.Message}";
        }
        catch (Exception)
        {
            // The worker is gone, or no longer needed.
        }
        call.Lose(Lost(why));                        // first: the other loop says less
        worker.Dispose();
    }

    /// <returns>Whether this was the last message of the call.</returns>
    private static bool TakeAndEnd(RemoteCall call, byte[] frame)
    {
        ReadOnlySpan<byte> message = Frames.MessageOf(frame);
        call.Receive(message);
        return message[0] is Frames.Done or Frames.Failed;
    }

    private ExecutionLostException Lost(string why) => new($"{task} has lost its connection before its end.{why}");
}
