namespace Sluice.Generators.Tests;

/// <summary>What else a step waits for is given by its name only: a future too many is an error, and never chooses an overload.</summary>
public class StepAfterTests
{
    private const string Steps = """
        using Sluice;
        static partial class Steps
        {
            [Step] public static string LoadAsync(string name) => "one";
            [Step] public static string LoadAsync(string name, string version) => "two";
            [Step] public static void UploadAsync(string a, string b) { }
            [Step] public static string VersionAsync() => "3";
            [Step] public static void ReadyAsync() { }

        """;

    [Theory]
    [InlineData("Load(\"a\", Ready())", "cannot convert from 'Sluice.Future' to")]
    [InlineData("Upload(Version(), \"b\", Ready())", "error CS1503: Argument 3: cannot convert from 'Sluice.Future' to 'Sluice.WriteAfterByName'")]
    [InlineData("Upload(\"a\", \"b\", Version())", "error CS1503: Argument 3: cannot convert from 'Sluice.Future<string>' to 'Sluice.WriteAfterByName'")]
    [InlineData("Version(Ready())", "error CS1503: Argument 1: cannot convert from 'Sluice.Future' to 'Sluice.WriteAfterByName'")]
    public void AFutureTooManyDoesNotCompile(string call, string message)
        => Assert.Contains(message, Assert.Single(StepTwins.Write($"{Steps} static object Use() => {call}; }}").Errors), StringComparison.Ordinal);

    [Fact]
    public void AFutureTooManyChoosesNoOverload()
        => StepTwins.Of($"{Steps} static object[] Use() => [Load(\"a\"), Load(\"a\", Version()), Load(\"a\", after: Ready()), Upload(\"a\", \"b\", after: [Ready(), Version()])]; }}");

    [Theory]
    [InlineData("[Step] public static Future<int> GetAsync() => null!;", "Future<int>")]
    [InlineData("[Step] public static Task<Future> GetAsync() => null!;", "Future")]
    [InlineData("[Step] public static Task<Task<int>> GetAsync() => null!;", "Task<int>")]
    public void AResultThatNobodyWouldWaitForIsAnError(string method, string work)
    {
        var (_, reports, _) = StepTwins.Write($"using Sluice; static partial class Steps {{ {method} }}");
        Assert.Equal($"The result of 'GetAsync' cannot be the value of a future: the step would end without waiting for the {work}, and nobody would hear of its failure; await it in the method",
            Assert.Single(reports, report => report.Id == "SLU014").GetMessage(System.Globalization.CultureInfo.InvariantCulture));
    }
}
