using System.Text;

namespace Sluice.Producers;

/// <summary>The definition of a tick producer: when it fires, and the items it makes. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Fire">Makes the items of a tick.</param>
/// <param name="Options">Its options.</param>
internal abstract record TickProducer<T>(string Name, Func<Tick, CancellationToken, IAsyncEnumerable<T>> Fire, TickOptions Options)
{
    /// <summary>The kind of its node: "every" or "cron".</summary>
    public abstract string Kind { get; }

    /// <summary>The kind of producer that is stored with its positions.</summary>
    public abstract string PositionKind { get; }

    /// <summary>Its schedule, for messages.</summary>
    public abstract string Schedule { get; }

    /// <summary>The checksum of what its ticks depend on, which is stored with its positions. Never zero.</summary>
    public uint ScheduleSum(TimeProvider clock) => Sum(Definition(clock));

    /// <summary>The checksum that earlier versions have stored for the same schedule.</summary>
    public uint FormerSum(TimeProvider clock) => Sum(FormerDefinition(clock));

    /// <summary>What its ticks depend on.</summary>
    protected abstract string Definition(TimeProvider clock);

    protected virtual string FormerDefinition(TimeProvider clock) => Definition(clock);

    private static uint Sum(string definition) => Math.Max(1, Checksum.Of(Encoding.UTF8.GetBytes(definition)));

    public TickTimes Times(TimeProvider clock) => new(after => Next(after, clock), Options);

    /// <summary>A tick in the time zone that the user sees.</summary>
    public virtual DateTimeOffset InZone(DateTimeOffset tick, TimeProvider clock) => tick.ToUniversalTime();

    protected abstract DateTimeOffset? Next(DateTimeOffset after, TimeProvider clock);
}

/// <summary>Fires at the multiples of an interval since the beginning of the calendar, which are the same in every process.</summary>
internal sealed record IntervalProducer<T>(string Name, TimeSpan Interval, Func<Tick, CancellationToken, IAsyncEnumerable<T>> Fire,
    TickOptions Options)
    : TickProducer<T>(Name, Fire, Options)
{
    public override string Kind => "every";

    public override string PositionKind => "Source.Every(name, interval, function)";

    public override string Schedule => string.Create(CultureInfo.InvariantCulture, $"The interval {Interval:c} of '{Name}'");

    protected override string Definition(TimeProvider clock) => Interval.Ticks.ToString(CultureInfo.InvariantCulture);

    protected override DateTimeOffset? Next(DateTimeOffset after, TimeProvider clock)
    {
        long passed = after.UtcTicks / Interval.Ticks;
        return passed >= DateTimeOffset.MaxValue.UtcTicks / Interval.Ticks ? null : new((passed + 1) * Interval.Ticks, TimeSpan.Zero);
    }
}

internal sealed record CronProducer<T>(string Name, CronSchedule Cron, TimeZoneInfo? Zone,
    Func<Tick, CancellationToken, IAsyncEnumerable<T>> Fire, TickOptions Options)
    : TickProducer<T>(Name, Fire, Options)
{
    public override string Kind => "cron";

    public override string PositionKind => "Source.Cron(name, expression, function)";

    public override string Schedule => $"The schedule '{Cron}' of '{Name}'";

    protected override string Definition(TimeProvider clock) => $"{Cron} {IdOf(Zone ?? clock.LocalTimeZone)}";

    // Without the machine's zone.
    protected override string FormerDefinition(TimeProvider clock) => $"{Cron} {Zone?.Id}";

    public override DateTimeOffset InZone(DateTimeOffset tick, TimeProvider clock)
        => TimeZoneInfo.ConvertTime(tick, Zone ?? clock.LocalTimeZone);

    protected override DateTimeOffset? Next(DateTimeOffset after, TimeProvider clock) => Cron.GetNext(after, Zone ?? clock.LocalTimeZone);

    // UTC has several names (Etc/UTC, Universal), one in each image of a container.
    private static string IdOf(TimeZoneInfo zone) => zone.HasSameRules(TimeZoneInfo.Utc) ? "UTC" : zone.Id;
}

/// <summary>Converts the forms of a tick's function to one.</summary>
internal static class TickFunction
{
    public static Func<Tick, CancellationToken, IAsyncEnumerable<T>> Of<T>(Func<Tick, T> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Of((tick, _) => new ValueTask<T>(item(tick)));
    }

    public static Func<Tick, CancellationToken, IAsyncEnumerable<T>> Of<T>(Func<Tick, CancellationToken, ValueTask<T>> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return One;

        async IAsyncEnumerable<T> One(Tick tick, [EnumeratorCancellation] CancellationToken cancellation)
        {
            yield return await item(tick, cancellation);
        }
    }
}
