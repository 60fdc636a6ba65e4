namespace Sluice.Tests.RandomGraphs;

/// <summary>A fan-out whose branches merge again.</summary>
internal sealed record FanStep(int Id, FanKind Kind, IReadOnlyList<Chain> Parts, int? Buffer, int Unknown = 0) : Step(Id)
{
    public override IReadOnlyList<Chain> Branches => Parts;

    public override string Name => $"{Kind}-{Id}".ToLowerInvariant();

    public override bool MayStop => Branches.Any(branch => branch.MayStop);

    public override bool IsFatal => Unknown > 0 || Branches.Any(branch => branch.Steps.Any(step => step.IsFatal));

    public override Source<long> Build(Source<long> source, Rig rig)
    {
        var branches = Branches.Select((branch, n) => (Func<Source<long>, Source<long>>)(start => End(branch.Build(start, rig), n)))
            .ToArray();
        return new Policy { Buffer = Buffer }.Annotate(Fan.Build(source, Id, Kind, branches, Unknown), Name);
    }

    public override Expected Expect(Expected input, Oracle oracle) => Expected.Together(
        oracle.Under(MayStop, () => Fan.Expect(input, oracle, Name, Id, Kind, Branches.Count, Unknown).ToList())
            .Select((start, n) => ExpectEnd(Branches[n].Expect(start, oracle), oracle, n)).ToList(),
        (Branches.Count * oracle.Capacity) + (Buffer ?? 0));

    public override IEnumerable<Step> Simpler()
    {
        if (Unknown > 0) yield return this with { Unknown = 0 };
        if (Buffer is not null) yield return this with { Buffer = null };
        if (Branches.Count > 1 && Unknown == 0 && Kind != FanKind.RoundRobin)
        {
            for (int i = 0; i < Branches.Count; i++)
                yield return this with { Parts = [.. Branches.Take(i), .. Branches.Skip(i + 1)] };
        }
        for (int i = 0; i < Branches.Count; i++)
        {
            int at = i;
            foreach (Chain simpler in Branches[i].Simpler())
                yield return this with { Parts = [.. Branches.Take(at), simpler, .. Branches.Skip(at + 1)] };
        }
    }

    public override IEnumerable<string> Lines() =>
    [
        $"| {Name}{(Unknown > 0 ? $" [1 of {Unknown} to a branch that does not exist]" : "")}{new Policy { Buffer = Buffer }}",
        .. Branches.SelectMany((branch, n) => new[] { $"    branch {n}" }.Concat(branch.Lines().Select(line => "    " + line))),
    ];

    private string Tag(int branch) => $"tag-{Id}-{branch}";

    // A broadcast sends the same value to every branch, so each branch marks its outputs.
    private Source<long> End(Source<long> branch, int n) => Kind != FanKind.Broadcast
        ? branch
        : branch.Select(value => Mixing.Mix(value, (Id * 100L) + n)).Annotate(Stage.Named(Tag(n)));

    private Expected ExpectEnd(Expected branch, Oracle oracle, int n) => Kind != FanKind.Broadcast
        ? branch
        : new Work(Tag(n), Id, new Policy(), value => [Mixing.Mix(value, (Id * 100L) + n)]).Expect(branch, oracle);
}
