namespace Sluice;

/// <summary>One time at which a producer fires (<see cref="Source.Every{T}(string, TimeSpan, Func{Tick, T}, TickOptions?)"/>, <see cref="Source.Cron{T}(string, string, Func{Tick, T}, TickOptions?, TimeZoneInfo?)"/>).</summary>
/// <param name="Time">When it was to fire, without jitter, however late it does; in the schedule's time zone. The same whenever the tick is begun with: make ids of it.</param>
public readonly record struct Tick(DateTimeOffset Time);
