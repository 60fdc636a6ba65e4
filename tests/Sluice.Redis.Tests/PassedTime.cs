namespace Sluice.Redis.Tests;

/// <summary>Options of a store whose time goes on with a clock that a test moves, on top of the server's.</summary>
internal static class PassedTime
{
    public static RedisStoreOptions With(TimeProvider time, string? prefix = null)
    {
        DateTimeOffset begun = time.GetUtcNow();
        var options = new RedisStoreOptions { Time = time, Ahead = () => time.GetUtcNow() - begun };
        return prefix is null ? options : options with { Prefix = prefix };
    }
}
