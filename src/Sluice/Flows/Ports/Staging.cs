namespace Sluice;

/// <summary>What all outputs of a processor hold back until its next commit.</summary>
/// <remarks>Thread-safe: guards the batches of its outputs.</remarks>
/// <param name="commitPassed">Commits what the items before the present one have put out.</param>
/// <param name="ports">How many inputs and outputs the processor has.</param>
internal sealed class Staging(Func<Task> commitPassed, int ports)
{
    private readonly Lock sync = new();
    private long?[] passed = [];                     // how far the inputs had come when the present item began

    public int Items { get; private set; }

    public long Bytes { get; private set; }

    // The row of the processor's own place is one more part of the commit; cursors and ends count, too, where they are many. A value alone may have any length.
    private int MaxItems { get; } = Math.Max(1, StoreCommit.MaxItems - 2 - Math.Max(0, (3 * ports) - 100));

    private bool Fits => Items <= MaxItems && (Bytes <= StoreCommit.MaxBytes / 2 || Items == 1);

    /// <summary>Holds back a value. If it does not go into the same commit as what earlier items have put out, that is committed first.</summary>
    /// <exception cref="FlowException">One item, or what was put out since the last checkpoint, is more than a commit holds.</exception>
    public async ValueTask AddAsync<T>(OutputStream stream, StagedOutput to, T value, IPayloadSerializer<T> serializer)
    {
        if (Add(to, value, serializer)) return;
        await commitPassed().ConfigureAwait(false);
        lock (sync)
        {
            if (Fits) return;
        }
        throw new FlowException(
            $"The processor {stream.Processor} of the run {stream.Run} has put out {Items:N0} values with {Bytes:N0} bytes between two commits; what an item becomes is one commit, with at most {MaxItems:N0} values "
            + $"and {StoreCommit.MaxBytes / 2:N0} bytes, or a single value. Put out less for an item, save checkpoints more often, or let it resume from scratch.")
        { Run = stream.Run, Processor = stream.Processor };
    }

    /// <summary>What was put out until now is of items that have been processed, up to where the inputs are now.</summary>
    public void Pass(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs)
    {
        lock (sync)
        {
            foreach (StagedOutput output in outputs) output.Pass();
            if (passed.Length == 0) passed = new long?[inputs.Count];
            for (int i = 0; i < passed.Length; i++) passed[i] = inputs[i].Mark();
        }
    }

    /// <summary>Takes out what is held back.</summary>
    /// <param name="inputs">All of them.</param>
    /// <param name="outputs">All of them.</param>
    /// <param name="onlyPassed">Whether what the present item has put out stays.</param>
    /// <returns>It, and how far the inputs had come with it (null: nowhere).</returns>
    public (List<CommitOutput> Outputs, long?[] Places) Take(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs, bool onlyPassed)
    {
        lock (sync)
        {
            List<CommitOutput> taken = [.. outputs.Select(output => output.Take(onlyPassed)).OfType<CommitOutput>()];
            (Items, Bytes) = (outputs.Sum(output => output.Items), outputs.Sum(output => output.Bytes));
            return (taken, onlyPassed ? [.. passed] : [.. inputs.Select(input => input.Mark())]);
        }
    }

    private bool Add<T>(StagedOutput to, T value, IPayloadSerializer<T> serializer)
    {
        lock (sync)
        {
            Bytes += to.Add(value, serializer);
            Items++;
            return Fits;
        }
    }
}
