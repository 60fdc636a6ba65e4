namespace Sluice.Torture.Tests;

/// <summary>A process dies at one place after the other.</summary>
public class SweepTests
{
    /// <remarks>
    /// The process dies before each call, inside its transaction, or after the transaction but before the answer. This test uses every
    /// sixteenth of these places; <c>SLUICE_KILLS=1000</c> uses all of them.
    /// </remarks>
    [Fact]
    public async Task AProcessThatDiesAtAnyStoreCallLosesNothing()
    {
        Report report = await TortureProgram.RunAsync("--store", "sqlite", "--kills",
            Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "9", "--seed", "3", "--items", "4", "--sweep");

        report.AssertIsGood(atLeast: 25);
        foreach (string call in new[] { "AppendAsync", "AcquireAsync", "AcquireQuarantineAsync", "LeaseAsync", "CommitAsync",
            "RedriveAsync", "ReleaseAsync", "LeaveAsync" })
            Assert.Contains($" {call} ", report.Errors, StringComparison.Ordinal);
    }
}
