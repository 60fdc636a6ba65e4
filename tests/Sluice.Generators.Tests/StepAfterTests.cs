namespace Sluice.Generators.Tests;

/// <summary>
/// Further futures to wait for are passed by the name <c>after</c> only. An extra positional future is an error and never selects an
/// overload.
/// </summary>
public class StepAfterTests
{
    private const string Steps = """
        using Sluice; using Sluice.Graphs;
        static partial class Steps
        {
            [Step] public static string LoadAsync(string name) => "one";
            [Step] public static string LoadAsync(string name, string version) => "two";
            [Step] public static void UploadAsync(string a, string b) { }
            [Step] public static string VersionAsync() => "3";
            [Step] public static void ReadyAsync() { }

        """;

    [Theory]
    [InlineData("Load(\"a\", Ready())", "cannot convert from 'Sluice.Graphs.Future' to")]
    [InlineData("Upload(Version(), \"b\", Ready())",
        "error CS1503: Argument 3: cannot convert from 'Sluice.Graphs.Future' to 'Sluice.Graphs.WriteAfterByName'")]
    [InlineData("Upload(\"a\", \"b\", Version())",
        "error CS1503: Argument 3: cannot convert from 'Sluice.Graphs.Future<string>' to 'Sluice.Graphs.WriteAfterByName'")]
    [InlineData("Upload(\"a\", \"b\", Task.CompletedTask)",
        "error CS1503: Argument 3: cannot convert from 'System.Threading.Tasks.Task' to 'Sluice.Graphs.WriteAfterByName'")]
    [InlineData("Upload(\"a\", \"b\", new ValueTask())",
        "error CS1503: Argument 3: cannot convert from 'System.Threading.Tasks.ValueTask' to 'Sluice.Graphs.WriteAfterByName'")]
    [InlineData("Version(Ready())",
        "error CS1503: Argument 1: cannot convert from 'Sluice.Graphs.Future' to 'Sluice.Graphs.WriteAfterByName'")]
    public void AnExtraFutureDoesNotCompile(string call, string message)
        => Assert.Contains(message, Assert.Single(StepTwins.Write($"{Steps} static object Use() => {call}; }}").Errors),
        StringComparison.Ordinal);

    /// <summary>Two overloads differ by a last parameter. A future in its place is its argument, and not a future to wait for.</summary>
    [Fact]
    public async Task AFutureAtTheEndIsPassedToTheLastParameter()
        => Assert.Equal("two 3, one, one", await StepTwins.RunAsync("""
            using Sluice; using Sluice.Graphs;
            public static partial class Program
            {
                [Step] static string LoadAsync(string name) => "one";
                [Step] static string LoadAsync(string name, string version) => $"two {version}";
                [Step] static string VersionAsync() => "3";
                public static async Task<string> RunAsync() => $"{await Load("a", Version())}, {await Load("a", after: Version())}, {await Load(Version(), after: [Version(), Task.CompletedTask])}";
            }
            """));

    [Fact]
    public void OverloadsCompileWithFuturesAndANamedAfter()
        => StepTwins.Of(
        $"{Steps} static object[] Use() => [Load(\"a\"), Load(\"a\", Version()), Load(\"a\", after: Ready()), Upload(\"a\", \"b\", after: "
            + $"[Ready(), Version()])]; }}");

    [Theory]
    [InlineData("[Step] public static Future<int> GetAsync() => null!;", "Future<int>")]
    [InlineData("[Step] public static Task<Future> GetAsync() => null!;", "Future")]
    [InlineData("[Step] public static Task<Task<int>> GetAsync() => null!;", "Task<int>")]
    public void AStepThatReturnsAFutureOrANestedTaskIsAnError(string method, string work)
    {
        var (_, reports, _) = StepTwins.Write($"using Sluice; using Sluice.Graphs; static partial class Steps {{ {method} }}");
        Assert.Equal(
            $"The result of 'GetAsync' cannot be the value of a future: the step would end without waiting for the {work}, and its "
                + $"failure would be lost; await it in the method",
            Assert.Single(reports, report => report.Id == "SLU014").GetMessage(System.Globalization.CultureInfo.InvariantCulture));
    }
}
