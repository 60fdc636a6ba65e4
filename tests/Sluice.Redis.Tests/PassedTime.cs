namespace Sluice.Redis.Tests;

/// <summary>The time of a store on a server, which tests let pass: the server's own until then, and so much more from then on.</summary>
/// <param name="stands">Whether it stands still otherwise, as the time of the model does that random walks are compared with.</param>
internal sealed class PassedTime(bool stands = false)
{
    private readonly DateTimeOffset begun = DateTimeOffset.UtcNow;
    private TimeSpan passed;

    // the server has the clock of this machine
    public DateTimeOffset? Now => stands ? begun + passed : passed == default ? null : DateTimeOffset.UtcNow + passed;

    public void Pass(TimeSpan time) => passed += time;

    /// <summary>Options of a store whose time goes on with a clock that a test moves, on top of the server's.</summary>
    public static RedisStoreOptions With(TimeProvider time, string? prefix = null)
    {
        DateTimeOffset begun = time.GetUtcNow();
        var options = new RedisStoreOptions { Time = time, ServerTime = () => DateTimeOffset.UtcNow + (time.GetUtcNow() - begun) };
        return prefix is null ? options : options with { Prefix = prefix };
    }
}
