namespace Sluice.Torture;

/// <summary>Two branches that are joined by the item: one thing is made of it, which says what came out of them.</summary>
internal sealed record ForkStep(Step First, Step Second) : Step
{
    public override bool IsWhole() => true;

    public override Source<Work> Build(Source<Work> source, IHazard hazard)
        => source.ForkJoin(s => First.Build(s | (work => work.Then("1")), hazard), s => Second.Build(s | (work => work.Then("2")), hazard),
        Join);

    public override IEnumerable<Work> Expect(Work work, Walk walk)
        => [Join(work, [.. First.Expect(work.Then("1"), walk)], [.. Second.Expect(work.Then("2"), walk)])];

    // The order within a branch may be any.
    private static Work Join(Work work, IReadOnlyList<Work> first, IReadOnlyList<Work> second)
    {
        ulong sum = 0;
        foreach (Work part in first.Concat(second)) sum += Dice.Mix((ulong)part.Hash(0)) >> 32;
        return work.Then($"j{first.Count}-{second.Count}-{sum}");
    }
}

/// <summary>A list is made of each item, and done as a whole. One that has failed for good is divided, until those that fail are
/// alone.</summary>
internal sealed record ListStep(int Salt) : Step
{
    private const int Longest = 6;

    public override Source<Work> Build(Source<Work> source, IHazard hazard) => source | List | (list =>
    {
        foreach (Work work in list.Where(CanFail)) hazard.Meet(work);
        return (IEnumerable<Work>)[.. list.Select(static work => work.Then("l"))];
    }) | Stage.Named($"lists-{Salt}").Bisect;

    public override IEnumerable<Work> Expect(Work work, Walk walk)
    {
        Work[] list = List(work);
        walk.Hazards.AddRange(list.Where(CanFail));
        return list.Select(static one => one.Then("l"));
    }

    private Work[] List(Work work) => [.. Enumerable.Range(0, 2 + (work.Hash(Salt) % (Longest - 1)))
        .Select(child => work.Then($"i{child}"))];

    private bool CanFail(Work work) => work.Hash(Salt + 1) % 4 == 0;
}
