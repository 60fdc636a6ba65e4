namespace Sluice.Redis.Tests;

/// <summary>Options for tests that are not about time: a machine on which the server stands still for a while fails no call.</summary>
internal static class Patient
{
    /// <summary>For a server that is not killed.</summary>
    public static RedisStoreOptions Options { get; } = new()
    {
        Timeout = TimeSpan.FromMinutes(2),
        Silence = TimeSpan.FromMinutes(2),
        Question = TimeSpan.FromMinutes(1),
    };

    /// <summary>For a server that dies: a connection that gets no answer is replaced as usual.</summary>
    public static RedisStoreOptions Mortal { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };
}
