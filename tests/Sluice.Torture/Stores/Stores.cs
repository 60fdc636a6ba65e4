using Sluice.Sqlite;

namespace Sluice.Torture;

/// <summary>Opens what the processes of a case share, one after the other.</summary>
internal static class Stores
{
    public static string PathIn(string directory) => Path.Combine(directory, "work.db");

    public static async Task<SqliteStreamStore> OpenAsync(string directory, Case @case, TimeProvider? time = null)
        => await SqliteStreamStore.OpenAsync(PathIn(directory), @case.IsPowerSafe ? Durability.Power : Durability.Process,
        new() { Time = time ?? TimeProvider.System });
}
