using System.Net.Sockets;
using Sluice.Flows;
using Sluice.Processes;

namespace Sluice.Executors;

/// <summary>A child's connection to its parent: receives functions and executes them until the connection ends.</summary>
internal sealed class ChildLink : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Dictionary<long, RemoteFunction> calls = [];     // the receiving loop's
    private readonly RemoteWorker worker;
    private readonly FrameReader reader;
    private readonly FrameSender sender;

    private ChildLink(WorkerToken invitation, SupervisorOptions options, BoundFunction[] functions)
    {
        worker = new(functions, options, invitation.MaxItemBytes);
        reader = new(socket, CallLimits.MaxFrame(invitation.MaxItemBytes));
        sender = new(socket);
    }

    /// <returns>The link; null if the parent is gone, or no longer wants this process.</returns>
    public static async Task<ChildLink?> TryConnectAsync(WorkerToken invitation, SupervisorOptions options, BoundFunction[] functions)
    {
        var link = new ChildLink(invitation, options, functions);
        try
        {
            await link.socket.ConnectAsync(new UnixDomainSocketEndPoint(invitation.Socket)).ConfigureAwait(false);
        }
        catch (SocketException)
        {
            link.Dispose();
            return null;
        }
        lock (link.sender.Sync)
        {
            FrameWriter to = link.sender.Filling;
            int start = to.Begin(FrameKind.Hello);
            to.Write(invitation.Token);
            to.Write("");
            to.Write("");
            to.End(start);
        }
        return link;
    }

    /// <summary>Executes functions until the connection ends. Functions that do not end within the grace time are abandoned.</summary>
    public async Task RunAsync(TimeSpan grace)
    {
        Task sending = sender.RunAsync();
        try
        {
            do TakeAll();
            while (await reader.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
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
        sender.Close();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        socket.Dispose();
        reader.Dispose();
        sender.Dispose();
    }

    private void TakeAll()
    {
        while (reader.TryTake(out ReadOnlySpan<byte> frame))
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
                calls.Add(number, call = worker.Open(message => sender.Say(number, message)));
            }
            call.Receive(frame);
        }
    }
}
