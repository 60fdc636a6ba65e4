using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>A source of tick numbers, from 0, one per period; the first tick comes after one period. It never ends by itself.</summary>
    /// <remarks>Ticks do not drift and do not pile up: a tick that passes while the pipeline is busy is skipped, with its number.</remarks>
    /// <param name="period">The time from one tick to the next: more than zero, at most 36,500 days.</param>
    /// <param name="jitter">Every tick is later by a random time up to this, at most 36,500 days; none unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The period is not more than zero, the jitter is negative, or one of them is too
    /// long.</exception>
    public static Source<long> Interval(TimeSpan period, TimeSpan? jitter = null)
    {
        TimeSpan maxJitter = Waits.CheckSpan(jitter ?? TimeSpan.Zero, nameof(jitter));
        return new IntervalSource(Waits.CheckPositive(period), maxJitter, StageOptions.Default);
    }

    /// <summary>A source that calls a function again and again, with a wait before every call. It never ends by itself.</summary>
    /// <param name="wait">The wait before the first call, and from emitting an item to the next call: zero or more, at most 36,500
    /// days.</param>
    /// <param name="jitter">Every wait is longer by a random time up to this, at most 36,500 days; none if null.</param>
    /// <param name="item">Makes an item. If it throws, the source fails.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is negative or too long.</exception>
    public static Source<T> Every<T>(TimeSpan wait, TimeSpan? jitter, Func<T> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Every(wait, jitter, _ => new ValueTask<T>(item()));
    }

    /// <inheritdoc cref="Every{T}(TimeSpan, TimeSpan?, Func{T})"/>
    public static Source<T> Every<T>(TimeSpan wait, TimeSpan? jitter, Func<CancellationToken, ValueTask<T>> item)
    {
        TimeSpan maxJitter = Waits.CheckSpan(jitter ?? TimeSpan.Zero, nameof(jitter));
        ArgumentNullException.ThrowIfNull(item);
        return new EverySource<T>(Waits.CheckSpan(wait), maxJitter, item, StageOptions.Default);
    }

    /// <summary>
    /// A source of the times of a cron schedule, each when it has come: <c>Source.Cron("0 */5 * * * *")</c> fires every five minutes.
    /// </summary>
    /// <remarks>Times before the start are skipped, and so are times that pass while the pipeline is busy.</remarks>
    /// <param name="expression">Five or six fields; see <see cref="CronSchedule"/>.</param>
    /// <param name="zone">The time zone of the schedule; the local one of the run's clock if null.</param>
    /// <exception cref="FormatException">The expression is not a valid schedule; the message says where and why.</exception>
    public static Source<DateTimeOffset> Cron(string expression, TimeZoneInfo? zone = null)
        => new CronSource(CronSchedule.Parse(expression), zone, StageOptions.Default);
}
