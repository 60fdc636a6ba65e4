using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: Sluice.Hosting.Tests.BoundedTests]

namespace Sluice.Hosting.Tests;

/// <summary>
/// Bounds the time of each test: a test that hangs ends the whole run with its name. The bound is far longer than any test takes.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class BoundedTestsAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(4);
    private static readonly ConcurrentDictionary<string, Timer> Running = new();

    /// <inheritdoc/>
    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => Running[test.UniqueID] = new Timer(
        _ => Environment.FailFast($"{test.TestDisplayName} has not ended within {Bound}: it hangs."), null, Bound,
            Timeout.InfiniteTimeSpan);

    /// <inheritdoc/>
    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Running.TryRemove(test.UniqueID, out Timer? timer)) timer.Dispose();
    }
}
