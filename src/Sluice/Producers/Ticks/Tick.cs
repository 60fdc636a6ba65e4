namespace Sluice;

/// <summary>
/// A time at which a producer fires (<see cref="Source.Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>,
/// <see cref="Source.Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>).
/// </summary>
/// <param name="Time">The scheduled time, without jitter or delay, in the schedule's time zone. It is the same in every attempt at the
/// tick: make ids of it.</param>
public readonly record struct Tick(DateTimeOffset Time);
