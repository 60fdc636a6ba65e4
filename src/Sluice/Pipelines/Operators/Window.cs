using Sluice.Pipelines;

namespace Sluice;

public static partial class SourceExtensions
{
    private const int MaxOpenWindows = 1000;

    /// <summary>Gathers items into windows of processing time, of one size, one after the other.</summary>
    /// <remarks>
    /// <para>Windows lie on whole multiples of their size since 1 January 1970 UTC: those of an hour begin at the full hour. An item
    /// belongs to the window in which it gets here (processing time); one that comes at the very end of a window belongs to the next.
    /// A window comes out when it is over, and only if something is in it.</para>
    /// <para>A window that holds <paramref name="maxItems"/> comes out at once, with this moment for its end; what still comes before it
    /// would have been over comes out as another window, which begins at this moment. Nothing is dropped.</para>
    /// <para>At the end, and so in a drain, the windows that are open come out at once, with the ends they would have had; a run that is
    /// cancelled gives them up. Times are those at the start of the run plus what has passed since on the run's clock
    /// (<see cref="RunOptions.Time"/>): setting the time of day in between moves no window. When the clock jumps, the windows that are over
    /// come out one after the other.</para>
    /// <para>Behind <see cref="Stage.KeyBy"/>, every key has windows of its own, in a consecutor with <paramref name="maxItems"/> of 1,000
    /// at most.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="size">The length of a window: more than zero, at most 36,500 days.</param>
    /// <param name="maxItems">The number of items that a window holds, 1 or more.</param>
    /// <returns>The windows, in order. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<Window<T>> Window<T>(this Source<T> source, TimeSpan size, int maxItems = 100_000)
        => source.Window(size, size, maxItems);

    /// <summary>Gathers items into overlapping windows of processing time: windows of one size, a new one with every hop.</summary>
    /// <remarks>
    /// <para>Windows begin on whole multiples of the hop since 1 January 1970 UTC. An item belongs to all windows in which it gets here.
    /// All
    /// else is as with windows that do not overlap (<see cref="Window{T}(Source{T}, TimeSpan, int)"/>), at the bound also: each window
    /// counts its own items.</para>
    /// <para>A consecutor stores an item once with each of its windows, all in one commit. So the hop is at least a four-hundredth of the
    /// size there, and an item may have a megabyte divided by the number of its windows. Behind <see cref="Stage.KeyBy"/>, the hop is at
    /// least a hundredth of the size.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="size">The length of a window: more than zero, at most 36,500 days.</param>
    /// <param name="hop">The time from the start of a window to the start of the next one: at most the size, and at least a thousandth of
    /// it.</param>
    /// <param name="maxItems">The number of items that a window holds, 1 or more.</param>
    /// <returns>The windows, in the order of their ends. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<Window<T>> Window<T>(this Source<T> source, TimeSpan size, TimeSpan hop, int maxItems = 100_000)
    {
        Positive(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Positive(hop), size, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(hop.Ticks, (size.Ticks + MaxOpenWindows - 1) / MaxOpenWindows, nameof(hop));
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        return NotNull(source).Then(new WindowOperator<T>("sliding", () => new SlidingWindows(size.Ticks, hop.Ticks), maxItems)
        {
            Overlapping = (int)((size.Ticks + hop.Ticks - 1) / hop.Ticks)
        });
    }

    /// <summary>Gathers items that come close together: a window begins with an item, and is over when none has come for a while.</summary>
    /// <remarks>
    /// <para>An item that comes at the very moment at which the window is over begins the next one. A window begins when its first item
    /// came and ends a gap after its last one came, but not later than the longest time allowed after its beginning.</para>
    /// <para>All else is as with windows of one size (<see cref="Window{T}(Source{T}, TimeSpan, int)"/>), at the bound also.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The source of the items.</param>
    /// <param name="gap">The time without items that ends a window: more than zero, at most 36,500 days.</param>
    /// <param name="longest">The maximum length of a window, even if items keep coming: more than zero, at most 36,500 days.</param>
    /// <param name="maxItems">The number of items that a window holds, 1 or more.</param>
    /// <returns>The windows, in order. They are new root items.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time or the number is out of range.</exception>
    [AlsoForPipes]
    public static Source<Window<T>> SessionWindow<T>(this Source<T> source, TimeSpan gap, TimeSpan longest, int maxItems = 100_000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        long gapTicks = Positive(gap).Ticks, maxTicks = Positive(longest).Ticks;
        return NotNull(source).Then(new WindowOperator<T>("session", () => new SessionWindows(gapTicks, maxTicks), maxItems));
    }
}

/// <summary>The items of one window of time, or one pane of them.</summary>
/// <remarks>Immutable, and safe for use by several threads as far as its items are.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class Window<T>
{
    /// <summary>Makes a window, for example when it is read from a store.</summary>
    [System.Text.Json.Serialization.JsonConstructor]
    public Window(DateTimeOffset start, DateTimeOffset end, IReadOnlyList<T> items, int pane = 0)
        => (Start, End, Items, Pane) = (start, end, items, pane);

    /// <summary>The start of the window, in UTC, inclusive.</summary>
    public DateTimeOffset Start { get; }

    /// <summary>The end of the window, in UTC, exclusive. If the window came out because it was full, the end is inclusive.</summary>
    public DateTimeOffset End { get; }

    /// <summary>The items that came, in the order in which they came; at least one.</summary>
    public IReadOnlyList<T> Items { get; }

    /// <summary>The number of the pane in its window, from zero. A window of processing time has one pane. A window of event time
    /// (<see cref="EventTime{T}"/>) may have more: when it was full, and for late items within the allowed lateness.
    /// If <c>AllowedLateness</c> was raised later, a window that may have come out before begins with pane 1.</summary>
    public int Pane { get; }

    /// <summary>For example <c>[2026-01-01 00:00:00Z, 2026-01-01 00:00:10Z): 3 items</c>.</summary>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"[{Start:u}, {End:u}): {Items.Count} {(Items.Count == 1 ? "item" : "items")}");
}

/// <param name="form">The form of the windows, as it is stored.</param>
/// <param name="windows">Makes the bounds of the windows.</param>
/// <param name="maxItems">How many items a window holds.</param>
internal sealed class WindowOperator<T>(string form, Func<WindowBounds> windows, int maxItems) : Operator<T, Window<T>>
{
    private const int MaxStored = 400;               // a commit opens them: two rows for each
    private const int MaxOfKey = 100;

    /// <summary>The number of windows that an item is in.</summary>
    public int Overlapping { get; init; } = 1;

    public override string Kind => "window";

    public override string Stateful => "gathers items";

    public override bool IsTimed => true;

    public override bool EndsItems => true;

    public override bool Remembers => true;

    public override StateShape Shape => new($"{form} window", typeof(T), 0) { Older = new StateShape("window", typeof(T), 0).ToString() };

    public override Operator<T, Window<T>> StoredByKey
    {
        get
        {
            GatheredByKey.Check(Kind, maxItems,
                form == "session" ? "SessionWindow(gap, longest, maxItems: 1000)" : "Window(size, maxItems: 1000)");
            if (Overlapping > MaxOfKey) throw new Topologies.InvalidTopologyException(
                $"Windows overlap too much behind Stage.KeyBy in a consecutor: an item would be in {Overlapping:N0} of them. All "
                    + $"windows of a key are one row, and {MaxOfKey} may overlap there. Make the hop larger.");
            return new StoredByKeyOperator<T, Window<T>>(this, () => new WindowNode<T>(windows(), maxItems));
        }
    }

    public override void CheckStored()
    {
        if (Overlapping > MaxStored) throw new Topologies.InvalidTopologyException(
            $"Windows overlap too much for a consecutor: an item would be in {Overlapping:N0} of them and is stored with each, which one "
                + $"commit does for {MaxStored} at most. Make the hop larger.");
    }

    public override Inlet<T> Create(StageContext context, Inlet<Window<T>> next) => new WindowStage<T>(context, next, windows(), maxItems);
}
