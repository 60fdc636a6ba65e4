using System.Threading.Channels;
using Sluice.Flows;

namespace Sluice.Tests.Executors;

/// <summary>An executor that runs functions at the other end of two message queues. It uses only the public API.</summary>
/// <param name="other">Plays the other side: reads the messages for it, and has a function that sends messages back.</param>
/// <param name="maxValueBytes">The largest value.</param>
internal sealed class MessageExecutor(Func<ChannelReader<byte[]>, Action<byte[]>, Task> other, int maxValueBytes = 16 << 20) : IExecutor
{
    /// <summary>The other side in .NET, with the functions that there are at its first call.</summary>
    public static MessageExecutor Of(ProcessorFunctions functions)
    {
        var worker = new Lazy<RemoteWorker>(() => new(functions));
        return new(async (messages, send) =>
        {
            using RemoteFunction function = worker.Value.Open(message => send(message.ToArray()));
            await foreach (byte[] message in messages.ReadAllAsync()) function.Receive(message);
            function.Lose();
            await function.Completion;
        });
    }

    public async Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
    {
        Channel<byte[]> there = Channel.CreateUnbounded<byte[]>(), back = Channel.CreateUnbounded<byte[]>();
        using RemoteCall remote = call.OpenRemote(message => there.Writer.TryWrite(message.ToArray()), maxValueBytes);
        Task playing = PlayAsync(), receiving = ReceiveAsync();
        try
        {
            await remote.ExecuteAsync(cancellation);
        }
        finally
        {
            there.Writer.TryComplete();
            await playing;
            await receiving;
        }

        async Task PlayAsync()
        {
            await Task.Yield();
            try
            {
                await other(there.Reader, message => back.Writer.TryWrite(message));
            }
            catch (IOException e)                    // plays a connection that breaks
            {
                back.Writer.TryComplete(e);
            }
            finally
            {
                back.Writer.TryComplete();
            }
        }

        async Task ReceiveAsync()
        {
            var how = new ExecutionLostException("the other side has ended.");
            try
            {
                await foreach (byte[] message in back.Reader.ReadAllAsync(CancellationToken.None)) remote.Receive(message);
            }
            catch (InvalidDataException e)
            {
                how = new($"the other side has sent what it should not: {e.Message}", e);
            }
            catch (Exception e)
            {
                how = new($"the connection has failed: {e.Message}", e);
            }
            there.Writer.TryComplete();
            remote.Lose(how);
        }
    }
}
