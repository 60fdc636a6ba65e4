using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>The values that all outputs of a processor stage until its next commit.</summary>
/// <remarks>Thread-safe: its lock guards the batches of the outputs.</remarks>
/// <param name="commitPassed">Commits the output of completed items.</param>
/// <param name="ports">The number of inputs and outputs of the processor.</param>
internal sealed class Staging(Func<Task> commitPassed, int ports)
{
    private readonly Lock sync = new();
    private long?[] passed = [];                     // the inputs' positions at the begin of the current item

    public int Items { get; private set; }

    public long Bytes { get; private set; }

    // The commit also has the processor's row, cursors and ends, which count if there are many. A lone value may have any length.
    private int MaxItems { get; } = Math.Max(1, StoreCommit.MaxItems - 2 - Math.Max(0, (3 * ports) - 100));

    private bool Fits => Items <= MaxItems && (Bytes <= StoreCommit.MaxBytes / 2 || Items == 1);

    /// <summary>
    /// Stages a value. If it does not fit into one commit with the output of completed items, that output is committed first.
    /// </summary>
    /// <exception cref="FlowException">The output of one item, or since the last checkpoint, is too large for a commit.</exception>
    public async ValueTask AddAsync<T>(OutputStream stream, StagedOutput to, T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        if (Add(to, value, serializer, trace)) return;
        await commitPassed().ConfigureAwait(false);
        lock (sync)
        {
            if (Fits) return;
        }
        throw new FlowException(
            $"The processor {stream.Processor} of the run {stream.Run} has put out {Items:N0} values with {Bytes:N0} bytes between two "
                + $"commits; what an item becomes is one commit, with at most {MaxItems:N0} values "
            + $"and {StoreCommit.MaxBytes / 2:N0} bytes, or a single value. Put out less for an item, save checkpoints more often, or let "
            + $"it resume from scratch.")
        { Run = stream.Run, Processor = stream.Processor };
    }

    /// <summary>Marks all staged values as output of completed items, up to the inputs' present positions.</summary>
    public void Pass(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs)
    {
        lock (sync)
        {
            foreach (StagedOutput output in outputs) output.Pass();
            if (passed.Length == 0) passed = new long?[inputs.Count];
            for (int i = 0; i < passed.Length; i++) passed[i] = inputs[i].Mark();
        }
    }

    /// <summary>Takes out staged values.</summary>
    /// <param name="inputs">All inputs.</param>
    /// <param name="outputs">All outputs.</param>
    /// <param name="onlyPassed">Whether the output of the current item stays.</param>
    /// <returns>The values, and the inputs' positions that go with them (null for an unread input).</returns>
    public (List<CommitOutput> Outputs, long?[] Places) Take(IReadOnlyList<InputPort> inputs, IReadOnlyList<StagedOutput> outputs,
        bool onlyPassed)
    {
        lock (sync)
        {
            List<CommitOutput> taken = [.. outputs.Select(output => output.Take(onlyPassed)).OfType<CommitOutput>()];
            (Items, Bytes) = (outputs.Sum(output => output.Items), outputs.Sum(output => output.Bytes));
            return (taken, onlyPassed ? [.. passed] : [.. inputs.Select(input => input.Mark())]);
        }
    }

    private bool Add<T>(StagedOutput to, T value, IPayloadSerializer<T> serializer, EntryTrace? trace)
    {
        lock (sync)
        {
            Bytes += to.Add(value, serializer, trace);
            Items++;
            return Fits;
        }
    }
}
