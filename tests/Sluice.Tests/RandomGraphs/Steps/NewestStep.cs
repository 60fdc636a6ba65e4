namespace Sluice.Tests.RandomGraphs;

internal enum NewestKind
{
    Debounce,
    Sample,
}

/// <summary>Debounce and Sample: emit the newest item when its time has come, and skip the others.</summary>
internal sealed record NewestStep(int Id, int? Buffer, NewestKind Kind, int Milliseconds) : ObservedStep<long>(Id, Buffer)
{
    private TimeSpan Time => TimeSpan.FromMilliseconds(Milliseconds);

    public override string Name => $"{Kind}-{Id}".ToLowerInvariant();

    protected override bool EndsItems => false;

    protected override string Details => $" {Milliseconds} ms";

    protected override Source<long> Apply(Source<long> source, Rig rig)
        => Kind == NewestKind.Debounce ? source.Debounce(Time) : source.Sample(Time);

    protected override long Sum(long output, int n) => output;

    protected override string? Wrong(Observation<long> seen)
    {
        if (seen.IsExact) return seen.Differs(Expected(seen), value => value);
        int at = -1;
        foreach (Passage<long> output in seen.Out)
        {
            do at++;
            while (at < seen.In.Count && seen.In[at].Value != output.Value);
            if (at == seen.In.Count) return $"{output.Value} came out, but did not come in, or not in this order";
        }
        return seen.IsWhole && seen.In.Count > 0 && at < seen.In.Count - 1 ? "the last item did not come out" : null;
    }

    private List<(long Value, TimeSpan At)> Expected(Observation<long> seen)
    {
        List<(long, TimeSpan)> expected = [];
        for (int i = 0; i < seen.In.Count; i++)
        {
            TimeSpan due = Kind == NewestKind.Debounce ? seen.In[i].Begun + Time : EndOfPeriod(seen.In[i].Begun);
            bool isNewest = i == seen.In.Count - 1 || seen.In[i + 1].Begun >= due;
            if (isNewest) expected.Add((seen.In[i].Value, seen.NoLaterThanEnd(due)));
        }
        return expected;
    }

    private TimeSpan EndOfPeriod(TimeSpan at) => (Math.Floor(at / Time) + 1) * Time;
}
