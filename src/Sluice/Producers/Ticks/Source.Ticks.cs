namespace Sluice;

public static partial class Source
{
    /// <summary>What a function makes at every tick of an interval. In front of a consecutor with a store, each tick fires once, whenever the process ends and starts again. Never ends by itself.</summary>
    /// <remarks>
    /// <para>
    /// The ticks are the multiples of the interval since the beginning of the calendar, in UTC: those of an hour are on the hour, in every process. Firings do not overlap.
    /// </para>
    /// <para>
    /// In front of a consecutor the tick is stored in the append that accepts what was made of it. After a restart, or where the clock is set back, a tick that was accepted is not fired again; the
    /// function is started again for a tick only if the process died, or the run failed, before everything of it was accepted. Of several items, those that were accepted before are
    /// left out then, by counting; if the function makes others the second time, the first ones of the first start are followed by the later ones of the second. A tick of which nothing was accepted counts as missed.
    /// Elsewhere nothing is remembered.
    /// </para>
    /// <para>One run at a time has the name: where another begins, also in another process, it goes on behind what was accepted, and the earlier one ends with an error when it fires.</para>
    /// </remarks>
    /// <param name="name">Its name; what was fired is found again by it.</param>
    /// <param name="interval">From one tick to the next: more than zero.</param>
    /// <param name="item">Makes the item of a tick. If it throws, the source fails.</param>
    /// <param name="options">Jitter, and what becomes of ticks that were missed.</param>
    /// <exception cref="ArgumentOutOfRangeException">An interval that is not more than zero.</exception>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, T> item, TickOptions? options = null)
        => Every(name, interval, TickFunction.Of(item), options);

    /// <inheritdoc cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, CancellationToken, ValueTask<T>> item, TickOptions? options = null)
        => Every(name, interval, TickFunction.Of(item), options);

    /// <inheritdoc cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>
    /// <param name="name">Its name; what was fired is found again by it.</param>
    /// <param name="interval">From one tick to the next: more than zero.</param>
    /// <param name="items">Makes the items of a tick, any number of them. In front of a consecutor, each is handed on when it is known whether another follows.</param>
    /// <param name="options">Jitter, and what becomes of ticks that were missed.</param>
    public static Source<T> Every<T>(string name, TimeSpan interval, Func<Tick, CancellationToken, IAsyncEnumerable<T>> items, TickOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(items);
        return new TickSource<T>(new IntervalProducer<T>(name, interval, items, options ?? new()), StageOptions.Default);
    }

    /// <summary>
    /// What a function makes at every time of a schedule: <c>Source.Cron("bills", "0 9 * * MON-FRI", tick => new Bill(tick.Time))</c>. In front of a consecutor with a store, each time fires once, whenever the
    /// process ends and starts again. Ends when there are no more.
    /// </summary>
    /// <remarks>What is said of intervals holds here as well (<see cref="Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>); what happens when clocks change for the summer is said at <see cref="CronSchedule"/>.</remarks>
    /// <param name="name">Its name; what was fired is found again by it.</param>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="item">Makes the item of a tick. If it throws, the source fails.</param>
    /// <param name="options">Jitter, and what becomes of times that were missed.</param>
    /// <param name="zone">The time zone in which the schedule is meant; the local one of the run's clock when null.</param>
    /// <exception cref="FormatException">The expression is not a schedule; the message says where and why.</exception>
    public static Source<T> Cron<T>(string name, string expression, Func<Tick, T> item, TickOptions? options = null, TimeZoneInfo? zone = null)
        => Cron(name, expression, TickFunction.Of(item), options, zone);

    /// <inheritdoc cref="Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>
    public static Source<T> Cron<T>(string name, string expression, Func<Tick, CancellationToken, ValueTask<T>> item, TickOptions? options = null, TimeZoneInfo? zone = null)
        => Cron(name, expression, TickFunction.Of(item), options, zone);

    /// <inheritdoc cref="Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>
    /// <param name="name">Its name; what was fired is found again by it.</param>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="items">Makes the items of a tick, any number of them. In front of a consecutor, each is handed on when it is known whether another follows.</param>
    /// <param name="options">Jitter, and what becomes of times that were missed.</param>
    /// <param name="zone">The time zone in which the schedule is meant; the local one of the run's clock when null.</param>
    public static Source<T> Cron<T>(
        string name, string expression, Func<Tick, CancellationToken, IAsyncEnumerable<T>> items, TickOptions? options = null, TimeZoneInfo? zone = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(items);
        return new TickSource<T>(new CronProducer<T>(name, CronSchedule.Parse(expression), zone, items, options ?? new()), StageOptions.Default);
    }
}

internal sealed class TickSource<T>(TickProducer<T> producer, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => producer.Kind;

    private protected override string? Hint => producer.Name;

    private protected override bool NeedsTickets => true;

    private protected override Source<T> With(StageOptions annotated) => new TickSource<T>(producer, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new TickPump<T>(context, next, producer);
}
