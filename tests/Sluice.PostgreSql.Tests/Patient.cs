namespace Sluice.PostgreSql.Tests;

/// <summary>Options for tests that are not about time: a machine on which the server stands still for a while fails no call.</summary>
internal static class Patient
{
    public static PostgresStoreOptions Options { get; } = new()
    {
        Timeout = TimeSpan.FromMinutes(2),
        MaxFunctionTime = TimeSpan.FromMinutes(1),
    };
}
