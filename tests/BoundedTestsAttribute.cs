using System.Collections.Concurrent;
using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: Sluice.Tests.BoundedTests]

namespace Sluice.Tests;

/// <summary>
/// Every test has a time limit. A test that exceeds it hangs: its name is printed, and the test process ends.
/// The limit is in real time and far above what any test needs. There is no limit for long runs, with SLUICE_GRAPHS (random
/// graphs), SLUICE_DAMAGES (all damages), SLUICE_WALKS (random walks), SLUICE_KILLS or SLUICE_…_KILLS (kills).
/// A test that waits for its own code in a `finally` or a disposal may hang because an assertion has failed: the assertion is printed, too.
/// A runner may swallow the last output of a process, so the name is also appended to the file that <c>SLUICE_HUNG</c> names.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class BoundedTestsAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Bound =
        Array.TrueForAll(["SLUICE_KILLS", "SLUICE_GRAPHS", "SLUICE_DAMAGES", "SLUICE_WALKS", "SLUICE_PYTHON_KILLS", "SLUICE_CELERY_KILLS",
            "SLUICE_BROKER_KILLS"], static one => Environment.GetEnvironmentVariable(one) is null)
            ? TimeSpan.FromMinutes(8) : Timeout.InfiniteTimeSpan;

    private static readonly ConcurrentDictionary<string, Timer> Running = new();
    private static readonly ConcurrentDictionary<string, string> FailedAssertions = new();       // the latest of each test that runs

    static BoundedTestsAttribute() => AppDomain.CurrentDomain.FirstChanceException += static (_, thrown) =>
    {
        if (thrown.Exception is IAssertionException && TestContext.Current.Test is { } test) FailedAssertions[test.UniqueID] =
            thrown.Exception.Message;
    };

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) =>
        Running[test.UniqueID] = new Timer(_ => End(test), null, Bound, Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Running.TryRemove(test.UniqueID, out Timer? timer)) timer.Dispose();
        FailedAssertions.TryRemove(test.UniqueID, out _);
    }

    private static void End(IXunitTest test)
    {
        string said = $"{test.TestDisplayName} has not ended within {Bound}: it hangs.";
        if (FailedAssertions.TryGetValue(test.UniqueID, out string? failed)) said += $" An assertion in it had failed: {failed}";
        if (Environment.GetEnvironmentVariable("SLUICE_HUNG") is { Length: > 0 } file) File.AppendAllText(file, said + Environment.NewLine);
        Environment.FailFast(said);
    }
}
