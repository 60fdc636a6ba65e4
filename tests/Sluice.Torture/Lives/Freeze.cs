using Microsoft.Data.Sqlite;

namespace Sluice.Torture;

/// <summary>Another process has the lock of a store's file for a while, now and then, as a backup has: everything waits for it.</summary>
internal static class Freeze
{
    public static async Task LockAsync(string path, Dice dice, CancellationToken cancellation)
    {
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(dice.Below(1 << dice.Between(3, 10)), cancellation);
            if (!File.Exists(path)) continue;
            await using var connection = new SqliteConnection($"Data Source={path};Pooling=False;Default Timeout=5");
            try
            {
                await connection.OpenAsync(cancellation);
                using SqliteTransaction locked = connection.BeginTransaction();
                await Task.Delay(dice.Below(1 << dice.Between(3, 11)), cancellation);
                locked.Rollback();
            }
            catch (SqliteException)
            {
                // The life has it all the time.
            }
        }
    }
}
