using System.Net.Sockets;
using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>The calls over a child's connection to its parent: receives functions and executes them until the connection ends.</summary>
internal sealed class CallLink(ParentConnection parent, RemoteWorker worker)
{
    private readonly Dictionary<long, RemoteFunction> calls = [];     // the receiving loop's

    /// <summary>Executes functions until the connection ends. Functions that do not end within the grace time are abandoned.</summary>
    public async Task RunAsync(TimeSpan grace)
    {
        parent.SayHello("", "");
        Task sending = parent.Sender.RunAsync();
        try
        {
            do TakeAll();
            while (await parent.Reader.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync($"A child process ends, because it was sent what it should not: {e.Message}")
                .ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // The parent is gone.
        }
        foreach (RemoteFunction call in calls.Values) call.Lose();
        await Task.WhenAll(calls.Values.Select(call => call.Completion)).WaitAsync(grace, TimeProvider.System)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        parent.Sender.Close();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void TakeAll()
    {
        while (parent.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            long number = CallLimits.Open(ref frame);
            if (!calls.TryGetValue(number, out RemoteFunction? call))
            {
                if (frame[0] != (byte)CallFrame.Plan) continue;          // the call has ended
                foreach (var (ended, function) in calls.Where(one => one.Value.Completion.IsCompleted).ToArray())
                {
                    calls.Remove(ended);
                    function.Dispose();
                }
                calls.Add(number, call = worker.Open(message => parent.Sender.Say(number, message)));
            }
            call.Receive(frame);
        }
    }
}
