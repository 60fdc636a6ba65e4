using System.Net.Sockets;

namespace Sluice;

/// <summary>The connection of a child to the process that has started it: functions come, and are executed, until it ends.</summary>
internal sealed class ChildLink : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Dictionary<string, BoundFunction> functions = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ChildCall> calls = [];          // the receiving loop's
    private readonly Dictionary<long, Task> running = [];
    private readonly FrameReader reader;

    private ChildLink(Invitation invitation, SupervisorOptions options, BoundFunction[] functions)
    {
        (Options, MaxValueBytes) = (options, invitation.MaxItemBytes);
        foreach (BoundFunction function in functions) this.functions[function.Processor.Name] = function;
        reader = new(socket, CallLimits.LongestFrame(MaxValueBytes));
        Sender = new(socket);
    }

    public SupervisorOptions Options { get; }

    public ProcessorServices Services => Options.Services ?? ProcessorServices.None;

    public int MaxValueBytes { get; }

    public FrameSender Sender { get; }

    /// <returns>Null if whoever has started this process is gone, or does not want it any more.</returns>
    public static async Task<ChildLink?> TryConnectAsync(Invitation invitation, SupervisorOptions options, BoundFunction[] functions)
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
        lock (link.Sender.Sync)
        {
            FrameWriter to = link.Sender.Filling;
            int start = to.Begin(FrameKind.Hello);
            to.Write(invitation.Token);
            to.Write("");
            to.Write("");
            to.End(start);
        }
        return link;
    }

    /// <summary>What is said of a processor that has no function here.</summary>
    public string Lacks(string processor) => $"The child process has no function for it: what is registered with the supervisor must be given to Worker.RunIfAskedAsync, too. {NearNames.Explain("processor", processor, functions.Keys)}";

    /// <summary>Executes until the connection ends. Functions that do not end then are left behind.</summary>
    public async Task RunAsync(TimeSpan grace)
    {
        Task sending = Sender.RunAsync();
        Exception why = new OperationCanceledException("The process that this one was started by has gone.");
        try
        {
            do TakeAll();
            while (await reader.ReceiveAsync(CancellationToken.None).ConfigureAwait(false));
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync($"A child process ends, because it was sent what it should not: {e.Message}").ConfigureAwait(false);
        }
        catch (SocketException)
        {
            // gone
        }
        foreach (ChildCall call in calls.Values)
        {
            call.Cancel();
            call.Fail(why);
        }
        await Task.WhenAll(running.Values).WaitAsync(grace, TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Sender.Close();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        socket.Dispose();
        reader.Dispose();
        Sender.Dispose();
    }

    private void TakeAll()
    {
        while (reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            var kind = (CallFrame)frame[0];
            frame = frame[1..];
            long number = FrameReader.Number(ref frame);
            if (kind == CallFrame.Plan) calls.Add(number, new(this, number, CallPlan.From(frame)));
            else if (calls.TryGetValue(number, out ChildCall? call)) Take(kind, number, call, frame);
        }
    }

    private void Take(CallFrame kind, long number, ChildCall call, ReadOnlySpan<byte> frame)
    {
        switch (kind)
        {
            case CallFrame.Choices:
                call.Know(frame);
                break;
            case CallFrame.Begin:
                foreach (long ended in running.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToArray())
                {
                    running.Remove(ended);
                    if (calls.Remove(ended, out ChildCall? over)) over.Dispose();
                }
                running.Add(number, call.RunAsync(functions.GetValueOrDefault(call.Plan.Name)));
                break;
            case CallFrame.Cancel:
                call.Cancel();
                break;
            case CallFrame.Answer:
                call.TakeAnswer(FrameReader.Number(ref frame), frame);
                break;
            case CallFrame.Refusal:
                call.TakeRefusal(FrameReader.Number(ref frame), CallFailure.Read(frame));
                break;
            case CallFrame.Fault:
                call.TakeFault(CallFailure.Read(frame));
                break;
            case CallFrame.Credit:
                call.TakeCredit(FrameReader.Number(ref frame), FrameReader.Number(ref frame), FrameReader.Number(ref frame));
                break;
            default:
                throw new InvalidDataException($"a frame of the kind {(byte)kind}.");
        }
    }
}
