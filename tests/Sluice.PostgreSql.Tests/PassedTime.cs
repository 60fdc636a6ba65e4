namespace Sluice.PostgreSql.Tests;

/// <summary>The time of the server plus the time that the test has let pass.</summary>
/// <param name="stands">Whether the time stands still otherwise, like that of the model in random walks.</param>
internal sealed class PassedTime(bool stands = false)
{
    private readonly DateTimeOffset begun = DateTimeOffset.UtcNow;
    private TimeSpan passed;

    // the server uses the clock of this machine
    public DateTimeOffset? Now => stands ? begun + passed : passed == default ? null : DateTimeOffset.UtcNow + passed;

    public void Pass(TimeSpan time) => passed += time;

    /// <summary>Options of a store whose time is that of the server plus the progress of a test clock.</summary>
    public static PostgresStoreOptions With(TimeProvider time)
    {
        DateTimeOffset begun = time.GetUtcNow();
        return Patient.Options with { Time = time, ServerTime = () => DateTimeOffset.UtcNow + (time.GetUtcNow() - begun) };
    }
}
