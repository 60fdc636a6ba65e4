namespace Sluice.Engine;

/// <summary>The inlet of a stage with several branches.</summary>
/// <remarks>It stops its upstream when all branches have stopped. Branches complete in the order written.</remarks>
internal abstract class FanOut<T> : Inlet<T>
{
    protected FanOut(StageContext context, Inlet<T>[] branches)
    {
        (Context, Branches, Node) = (context, branches, context.Node);
        BranchStop.Attach(this, branches);
    }

    protected StageContext Context { get; }

    protected Inlet<T>[] Branches { get; }

    public override void Flush()
    {
        foreach (Inlet<T> branch in Branches) branch.Flush();
    }

    protected override ValueTask OnCompleteAsync()
    {
        for (int i = 0; i < Branches.Length; i++)
        {
            ValueTask completed = Branches[i].CompleteAsync();
            if (!completed.IsCompletedSuccessfully) return CompleteRestAsync(completed, i + 1);
        }
        return default;
    }

    private async ValueTask CompleteRestAsync(ValueTask completed, int at)
    {
        await completed;
        for (; at < Branches.Length; at++) await Branches[at].CompleteAsync();
    }
}
