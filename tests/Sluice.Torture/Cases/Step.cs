namespace Sluice.Torture;

/// <summary>What happens to an item on its way, for the oracle: where it can fail.</summary>
internal sealed class Walk
{
    public List<Work> Hazards { get; } = [];
}

/// <summary>A piece of a random pipeline: how it is built, and what it must make of an item.</summary>
internal abstract record Step
{
    public abstract Source<Work> Build(Source<Work> source, IHazard hazard);

    public abstract IEnumerable<Work> Expect(Work work, Walk walk);

    /// <summary>Whether an item that fails somewhere in it fails as a whole.</summary>
    public virtual bool IsWhole() => false;
}

/// <summary>What happens where items can fail.</summary>
internal interface IHazard
{
    /// <summary>Returns, throws, or ends the process.</summary>
    void Meet(Work work);
}

internal sealed record MapStep(string Mark) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source | (work => work.Then(Mark));

    public override IEnumerable<Work> Expect(Work work, Walk walk) => [work.Then(Mark)];
}

internal sealed record BufferStep(int Capacity) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source.Buffer(Capacity);

    public override IEnumerable<Work> Expect(Work work, Walk walk) => [work];
}

internal sealed record FilterStep(int Salt) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source.Where(Passes);

    public override IEnumerable<Work> Expect(Work work, Walk walk) => Passes(work) ? [work] : [];

    private bool Passes(Work work) => work.Hash(Salt) % 4 != 0;
}

internal sealed record ManyStep(int Salt) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source | Split;

    public override IEnumerable<Work> Expect(Work work, Walk walk) => Split(work);

    private IEnumerable<Work> Split(Work work)
    {
        for (int child = 0; child < work.Hash(Salt) % 4; child++) yield return work.Then($"c{child}");
    }
}

internal sealed record WaitingStep(int Salt, int Lanes, bool IsUnordered) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => source | WaitAsync | (IsUnordered ? Stage.Parallel(Lanes).Unordered : Stage.Parallel(Lanes));

    public override IEnumerable<Work> Expect(Work work, Walk walk) => [work.Then("w")];

    private async Task<Work> WaitAsync(Work work, CancellationToken cancellation)
    {
        if (work.Hash(Salt) % 8 == 0) await Task.Delay(1, cancellation);
        else await Task.Yield();
        return work.Then("w");
    }
}

internal sealed record KeyedStep(string Mark, int Lanes) : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => source | Stage.KeyBy((Work work) => work.Key, Lanes) | (work => work.Then(Mark));

    public override IEnumerable<Work> Expect(Work work, Walk walk) => [work.Then(Mark)];
}

internal sealed record HazardStep : Step
{
    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source | (work =>
    {
        hazard.Meet(work);
        return work.Then("h");
    });

    public override IEnumerable<Work> Expect(Work work, Walk walk)
    {
        walk.Hazards.Add(work);
        return [work.Then("h")];
    }
}

internal sealed record ChainStep(IReadOnlyList<Step> Steps) : Step
{
    public override string ToString() => $"[{string.Join(", ", Steps)}]";

    public override bool IsWhole() => Steps.Any(static step => step.IsWhole());

    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => Steps.Aggregate(source, (before, step) => step.Build(before, hazard));

    public override IEnumerable<Work> Expect(Work work, Walk walk)
        => Steps.Aggregate((IEnumerable<Work>)[work], (before, step) => [.. before.SelectMany(one => step.Expect(one, walk))]);
}

internal sealed record BroadcastStep(Step First, Step Second) : Step
{
    public override bool IsWhole() => First.IsWhole() || Second.IsWhole();

    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => source | [s => First.Build(s | (work => work.Then("1")), hazard), s => Second.Build(s | (work => work.Then("2")), hazard)];

    public override IEnumerable<Work> Expect(Work work, Walk walk)
        => First.Expect(work.Then("1"), walk).Concat(Second.Expect(work.Then("2"), walk));
}

internal sealed record RouteStep(int Salt, Step First, Step Second) : Step
{
    public override bool IsWhole() => First.IsWhole() || Second.IsWhole();

    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => source.Route(Choose, ("first", s => First.Build(s, hazard)), ("second", s => Second.Build(s, hazard)));

    public override IEnumerable<Work> Expect(Work work, Walk walk) => (Choose(work) == "first" ? First : Second).Expect(work, walk);

    private string Choose(Work work) => work.Hash(Salt) % 2 == 0 ? "first" : "second";
}
