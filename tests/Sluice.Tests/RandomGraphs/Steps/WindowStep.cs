namespace Sluice.Tests.RandomGraphs;

internal enum WindowKind
{
    Tumbling,
    Sliding,
    Session,
}

/// <summary>Windows of every kind.</summary>
/// <param name="Size">The size in milliseconds; for a session the gap.</param>
/// <param name="Hop">The distance between windows in milliseconds; for a session the maximum duration.</param>
/// <param name="MaxItems">The maximum number of items of a window.</param>
internal sealed record WindowStep(int Id, int? Buffer, WindowKind Kind, int Size, int Hop, int MaxItems)
    : ObservedStep<Window<long>>(Id, Buffer)
{
    private int MostWindows => Kind == WindowKind.Session ? 1 : (Size + Hop - 1) / Hop;

    public override string Name => $"window-{Id}";

    protected override string Details => $" {Kind} {Size} ms, {Hop} ms, {MaxItems} items";

    protected override long MostOf(long items) => items * MostWindows;

    protected override Source<Window<long>> Apply(Source<long> source, Rig rig) => Kind switch
    {
        WindowKind.Tumbling => source.Window(TimeSpan.FromMilliseconds(Size), MaxItems),
        WindowKind.Sliding => source.Window(TimeSpan.FromMilliseconds(Size), TimeSpan.FromMilliseconds(Hop), MaxItems),
        _ => source.SessionWindow(TimeSpan.FromMilliseconds(Size), TimeSpan.FromMilliseconds(Hop), MaxItems),
    };

    // Includes the number of the window: overlapping windows may contain the same items.
    protected override long Sum(Window<long> output, int n) => Mixing.Mix(Mixing.MixAll(output.Items, Id), n);

    protected override string? Wrong(Observation<Window<long>> seen)
    {
        if (seen.IsExact)
        {
            var expected = Kind == WindowKind.Session ? WindowModel.Sessions(seen, Size, Hop, MaxItems)
                : WindowModel.Sliding(seen, Size, Hop, MaxItems);
            return seen.Differs([.. expected.Select(window => (window.ToString(), window.At))],
                window => new ExpectedWindow(window).ToString());
        }
        return seen.Out.Select(output => Shape(seen, output.Value)).OfType<string>().FirstOrDefault() ?? Membership(seen);
    }

    public override IEnumerable<Step> Simpler()
    {
        foreach (Step simpler in base.Simpler()) yield return simpler;
        if (MaxItems < 1000) yield return this with { MaxItems = 1000 };
        if (Kind == WindowKind.Sliding) yield return this with { Kind = WindowKind.Tumbling, Hop = Size };
    }

    /// <summary>Checks what holds for a window at any timing of its items.</summary>
    private string? Shape(Observation<Window<long>> seen, Window<long> window)
    {
        if (window.Items.Count < 1 || window.Items.Count > MaxItems) return $"a window of {window.Items.Count} items";
        TimeSpan lasted = window.End - window.Start, longest = TimeSpan.FromMilliseconds(Kind == WindowKind.Session ? Hop : Size);
        if (lasted < TimeSpan.Zero || lasted > longest) return $"{window} lasted {lasted}";
        bool isFull = window.Items.Count == MaxItems;
        if (Kind != WindowKind.Session && !isFull && (window.End - DateTimeOffset.UnixEpoch - TimeSpan.FromMilliseconds(
            Size)).Ticks % TimeSpan.FromMilliseconds(Hop).Ticks != 0)
            return $"{window} does not end where it should";
        int first = seen.Arrivals.ToList().IndexOf(window.Items[0]);
        return first >= 0 && seen.Arrivals.Skip(first).Take(window.Items.Count).SequenceEqual(window.Items) ? null
            : $"the items of {window} did not come one after the other";
    }

    /// <summary>Checks that every item is in the right number of windows, and that windows come in the order of their items.</summary>
    private string? Membership(Observation<Window<long>> seen)
    {
        var times = seen.Out.SelectMany(output => output.Value.Items).GroupBy(value => value)
            .ToDictionary(group => group.Key, group => group.Count());
        foreach (IGrouping<long, long> value in seen.Arrivals.GroupBy(value => value))       // the same value may come twice
        {
            int count = times.GetValueOrDefault(value.Key), came = value.Count();
            if (count > came * MostWindows) return $"{value.Key} came {came} times and is in {count} windows";
            if (seen.IsWhole && count < came * (Kind == WindowKind.Session ? 1 : Size / Hop))
                return $"{value.Key} came {came} times and is in {count} windows only";
        }
        if (MostWindows > 1) return null;
        var inOrder = seen.Out.SelectMany(output => output.Value.Items);
        return inOrder.SequenceEqual(seen.Arrivals.Take(inOrder.Count())) ? null : "windows came out in another order than their items";
    }
}
