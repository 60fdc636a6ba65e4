namespace Sluice.Tests.RandomGraphs;

/// <summary>One operator of a random graph: builds the real operator, and computes what the oracle expects of it.</summary>
internal abstract record Step(int Id)
{
    public abstract string Name { get; }

    /// <summary>Whether the step may end before its input has ended.</summary>
    public virtual bool MayStop => false;

    /// <summary>Whether some items fail the run at this step.</summary>
    public virtual bool IsFatal => false;

    /// <summary>The branches of the step, if it has any.</summary>
    public virtual IReadOnlyList<Chain> Branches => [];

    public abstract Source<long> Build(Source<long> source, Rig rig);

    public abstract Expected Expect(Expected input, Oracle oracle);

    /// <summary>Simpler versions of the step: each differs in one way.</summary>
    public virtual IEnumerable<Step> Simpler() => [];

    /// <summary>The step as lines of text. The caller indents them.</summary>
    public abstract IEnumerable<string> Lines();

    public sealed override string ToString() => string.Join('\n', Lines());
}

/// <summary>A chain of steps: a branch, or the steps between a source and a sink.</summary>
internal sealed record Chain(IReadOnlyList<Step> Steps)
{
    public bool MayStop => Steps.Any(step => step.MayStop);

    public Source<long> Build(Source<long> source, Rig rig) => Steps.Aggregate(source, (at, step) => step.Build(at, rig));

    public Expected Expect(Expected input, Oracle oracle)
    {
        for (int i = 0; i < Steps.Count; i++)
        {
            Expected at = input;
            Step step = Steps[i];
            input = oracle.Under(Steps.Skip(i + 1).Any(later => later.MayStop), () => step.Expect(at, oracle));
        }
        return input;
    }

    public IEnumerable<Chain> Simpler()
    {
        for (int i = 0; i < Steps.Count; i++) yield return new([.. Steps.Take(i), .. Steps.Skip(i + 1)]);
        for (int i = 0; i < Steps.Count; i++)
        {
            int at = i;
            foreach (Chain branch in Steps[i].Branches)
                yield return new([.. Steps.Take(at), .. branch.Steps, .. Steps.Skip(at + 1)]);
            foreach (Step simpler in Steps[i].Simpler()) yield return new([.. Steps.Take(at), simpler, .. Steps.Skip(at + 1)]);
        }
    }

    public IEnumerable<string> Lines() => Steps.SelectMany(step => step.Lines());
}
