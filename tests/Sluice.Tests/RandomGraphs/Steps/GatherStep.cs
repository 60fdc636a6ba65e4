namespace Sluice.Tests.RandomGraphs;

/// <summary>A step that gathers items, and a second step that turns each gathered group into a number.</summary>
internal abstract record GatherStep<T>(int Id, int? Buffer) : OrderedStep(Id, Buffer)
{
    protected sealed override bool EndsItems => true;

    private string SumName => $"sum-{Id}";

    protected abstract Source<T> Gather(Source<long> source);

    protected abstract long Sum(T gathered);

    public sealed override Source<long> Build(Source<long> source, Rig rig)
        => new Policy { Buffer = Buffer }.Annotate(Gather(source), Name).Select(Sum).Annotate(Stage.Named(SumName));

    public sealed override Expected Expect(Expected input, Oracle oracle)
        => new Work(SumName, Id, new Policy(), value => [value]).Expect(base.Expect(input, oracle), oracle);

    protected sealed override Source<long> Apply(Source<long> source, Rig rig)
        => throw new InvalidOperationException("A gathering step is built from two operators.");
}
