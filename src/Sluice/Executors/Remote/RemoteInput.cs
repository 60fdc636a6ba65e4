using Sluice.ChildProcesses;
using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>An input stream that a child reads through the process with the store.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RemoteInput(RemoteInvocation call, string name, int index) : IInputPort
{
    private const long KnowsTraces = 1;

    private readonly Lock sync = new();
    private readonly Dictionary<PortReader, Reading> readings = [];

    public string Name => name;

    public string Stream { get; } = FlowNames.Values(call.Run, name);

    public FlowException Unreadable(long number, Type type, PayloadException cause) => StreamFailures.Unreadable(name, number, type,
        $"The processor {call.Plan.Name}", call.Stream(name).IsGiven ? "The start of the run has put it in" : "Its writer has put it out",
        cause);

    public IItemBoundary? Boundary => call;

    public bool IsComplete { get; private set; }

    /// <summary>Nothing: the process with the store counts.</summary>
    public void Count(long values) { }

    public async ValueTask<PortReader> OpenAsync(ReadFrom from, bool isCounted, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ChoiceKind kind = from == ReadFrom.New ? ChoiceKind.New : ChoiceKind.Latest;
        int number = from == ReadFrom.First ? 0 : call.NumberOf(kind, name);
        long? chosen = from == ReadFrom.First ? null : call.Replay(kind, number);
        Task<byte[]> opening = call.AskAsync(CallFrame.Open, index, (long)from, isCounted ? 1 : 0, number, chosen is null ? 0 : 1,
            chosen ?? 0, KnowsTraces);
        await ((Task)opening).WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!opening.IsCompleted)
        {
            _ = ReleaseLateAsync(opening);
            cancellation.ThrowIfCancellationRequested();
        }
        ReadOnlySpan<byte> numbers = await opening.ConfigureAwait(false);
        var reading = new Reading(FrameReader.Number(ref numbers));
        var reader = new PortReader(this, FrameReader.Number(ref numbers), isCounted);
        (reading.Delivered, reading.Passed) = (reader.From, reader.From);
        lock (sync) readings.Add(reader, reading);
        return reader;
    }

    public async ValueTask<(ReadOnlyMemory<Entry> Values, long Next)> FetchAsync(PortReader reader, long next,
        CancellationToken cancellation)
    {
        call.ThrowIfFailed();
        Reading reading;
        Task<byte[]> asked;
        lock (sync)
        {
            reading = readings[reader];
            Tell(reader, reading);
            asked = reading.Asked ??= Ask(reading, isAhead: reader.IsMerged && call.SaysWaits);
        }
        try
        {
            // A cancelled read leaves its request open; the next read awaits the same request.
            await asked.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (asked.IsCompleted) reading.Asked = null;
        }
        Entry[] values = CallFrameWriter.ReadValues(await asked.ConfigureAwait(false), out bool isComplete);
        IsComplete |= isComplete;
        if (values.Length > 0) return (values, values[^1].Sequence + 1);
        reader.End();
        return (default, next);
    }

    /// <summary>The other process does not know of ports here, such as the results of a run that the function has started.</summary>
    public bool WaitsWith(IInputPort other) => other is RemoteInput;

    public async Task WaitAsync(Task waited, IReadOnlyList<PortReader> readers, CancellationToken cancellation)
    {
        if (call.SaysWaits && !waited.IsCompleted)
        {
            long[] questions = [.. readers.Select(static reader => ((RemoteInput)reader.Port).OpenQuestion(reader))];
            if (!questions.Contains(0))              // otherwise a value is here, and its read about to end
            {
                Task answer = call.AskAsync(CallFrame.Wait, questions);
                _ = QuietlyAsync(answer, answer);
                await answer.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
        await waited.ConfigureAwait(false);
    }

    public async ValueTask ReleaseAsync(PortReader reader, CancellationToken cancellation)
    {
        Reading? reading;
        lock (sync)
        {
            if (!readings.Remove(reader, out reading)) return;
            Tell(reader, reading);
        }
        Task<byte[]> released = call.AskAsync(CallFrame.Release, reading.Number);
        await ((Task)released).WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // No reader awaits it any more.
        Task left = QuietlyAsync(released, reading.Asked ?? released);
        if (!released.IsCompleted) return;           // cancelled, and the service goes on with it
        await released.ConfigureAwait(false);
        await left.ConfigureAwait(false);
    }

    /// <summary>Ends with the tasks, and observes their failures.</summary>
    private static async Task QuietlyAsync(Task first, Task second)
    {
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await second.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // Releases a reader that was opened too late. Never throws.
    private async Task ReleaseLateAsync(Task<byte[]> opening)
    {
        try
        {
            byte[] answer = await opening.ConfigureAwait(false);
            ReadOnlySpan<byte> numbers = answer;
            await call.AskAsync(CallFrame.Release, FrameReader.Number(ref numbers)).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // It was not opened; or the call is over, and its readers with it.
        }
    }

    private Task<byte[]> Ask(Reading reading, bool isAhead)
    {
        Task<byte[]> asked = isAhead ? call.AskAsync(CallFrame.Read, out long question, reading.Number, 1)
            : call.AskAsync(CallFrame.Read, out question, reading.Number);
        reading.Question = question;
        return asked;
    }

    /// <returns>The question of the read of a reader that has no answer; 0 for none.</returns>
    private long OpenQuestion(PortReader reader)
    {
        lock (sync) return readings.GetValueOrDefault(reader) is { Asked.IsCompleted: false } reading ? reading.Question : 0;
    }

    /// <summary>Sends the positions of all readers.</summary>
    public void TellPlaces()
    {
        lock (sync)
            foreach (var (reader, reading) in readings) Tell(reader, reading);
    }

    private void Tell(PortReader reader, Reading reading)
    {
        var (delivered, passed) = (reader.Delivered, reader.Passed);
        if ((delivered, passed) == (reading.Delivered, reading.Passed)) return;
        (reading.Delivered, reading.Passed) = (delivered, passed);
        call.TellPlace(reading.Number, delivered, passed);
    }

    /// <summary>The state of a reader that the other process knows.</summary>
    private sealed class Reading(long number)
    {
        public long Number => number;

        public long Delivered { get; set; }

        public long Passed { get; set; }

        public Task<byte[]>? Asked { get; set; }

        /// <summary>The number of the question.</summary>
        public long Question { get; set; }
    }
}
