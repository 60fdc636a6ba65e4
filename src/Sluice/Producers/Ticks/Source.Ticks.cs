using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source that calls a function at every tick of an interval. In front of a consecutor with a store, no tick fires twice, across
    /// restarts; with <see cref="MissedTickPolicy.CatchUp"/> each fires once. It never ends by itself.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Ticks are the multiples of the interval since the beginning of the calendar, in UTC: hourly ticks are on the hour, in every process.
    /// Firings do not overlap.
    /// </para>
    /// <para>
    /// In front of a consecutor the tick is stored in the append that accepts its items. After a restart, or if the clock is set back, an
    /// accepted tick does not fire again. The function is called again for a tick only if the process died, or the run failed, before all
    /// its items were accepted. Items that were accepted before are then skipped, by counting. If the function makes other items the second
    /// time, the first items of the first call are followed by the later ones of the second. If the process dies, or the function throws,
    /// before the first item of a tick is accepted, the tick counts as missed: it never fires with <see cref="MissedTickPolicy.Skip"/>, the
    /// default. Elsewhere nothing is remembered.
    /// </para>
    /// <para>
    /// One run at a time owns the name. If another run starts, also in another process, it resumes behind the accepted items, and the
    /// earlier run fails when it fires.
    /// </para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="interval">The time from one tick to the next: more than zero.</param>
    /// <param name="item">Makes the item of a tick. If it throws, the source fails.</param>
    /// <param name="options">Jitter, and what happens to missed ticks.</param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is not more than zero.</exception>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, T> item, TickOptions? options = null)
        => Every(name, interval, TickFunction.Of(item), options);

    /// <inheritdoc cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, CancellationToken, ValueTask<T>> item,
        TickOptions? options = null)
        => Every(name, interval, TickFunction.Of(item), options);

    /// <inheritdoc cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="interval">The time from one tick to the next: more than zero.</param>
    /// <param name="items">Makes the items of a tick, any number. In front of a consecutor, an item is emitted once the function says
    /// whether another follows.</param>
    /// <param name="options">Jitter, and what happens to missed ticks.</param>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, CancellationToken, IAsyncEnumerable<T>> items,
        TickOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(items);
        return new TickSource<T>(new IntervalProducer<T>(name, interval, items, options ?? new()), StageOptions.Default);
    }

    /// <summary>
    /// A source that calls a function at every time of a cron schedule: <c>Source.Cron("bills", "0 9 * * MON-FRI", tick => new
    /// Bill(tick.Time))</c>. In front of a consecutor with a store, no time fires twice, across restarts; with
    /// <see cref="MissedTickPolicy.CatchUp"/> each fires once. It ends when the schedule has no more times.
    /// </summary>
    /// <remarks>
    /// The remarks about intervals hold here as well (<see cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>).
    /// <see cref="CronSchedule"/> says what happens when the clocks change.
    /// </remarks>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="item">Makes the item of a tick. If it throws, the source fails.</param>
    /// <param name="options">Jitter, and what happens to missed times.</param>
    /// <param name="zone">The time zone of the schedule; the local one of the run's clock if null.</param>
    /// <exception cref="FormatException">The expression is not a valid schedule; the message says where and why.</exception>
    public static Source<T> Cron<T>(string name, string expression, Func<Tick, T> item, TickOptions? options = null,
        TimeZoneInfo? zone = null)
        => Cron(name, expression, TickFunction.Of(item), options, zone);

    /// <inheritdoc cref="Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>
    public static Source<T> Cron<T>(string name, string expression, Func<Tick, CancellationToken, ValueTask<T>> item,
        TickOptions? options = null, TimeZoneInfo? zone = null)
        => Cron(name, expression, TickFunction.Of(item), options, zone);

    /// <inheritdoc cref="Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>
    /// <param name="name">The name under which the position is stored.</param>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="items">Makes the items of a tick, any number. In front of a consecutor, an item is emitted once the function says
    /// whether another follows.</param>
    /// <param name="options">Jitter, and what happens to missed times.</param>
    /// <param name="zone">The time zone of the schedule; the local one of the run's clock if null.</param>
    public static Source<T> Cron<T>(
        string name, string expression, Func<Tick, CancellationToken, IAsyncEnumerable<T>> items, TickOptions? options = null,
            TimeZoneInfo? zone = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(items);
        return new TickSource<T>(new CronProducer<T>(name, CronSchedule.Parse(expression), zone, items, options ?? new()),
            StageOptions.Default);
    }
}
