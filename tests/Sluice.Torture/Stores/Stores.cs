using Sluice.Sqlite;

namespace Sluice.Torture;

/// <summary>Opens what the processes of a case share, one after the other.</summary>
internal static class Stores
{
    public static async Task<IStreamStore> OpenAsync(string directory, Case @case)
        => await SqliteStreamStore.OpenAsync(Path.Combine(directory, "work.db"), @case.IsPowerSafe ? Durability.Power : Durability.Process);
}
