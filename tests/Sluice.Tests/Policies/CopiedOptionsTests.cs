using Sluice.Flows;

namespace Sluice.Tests.Policies;

/// <summary>Options have copies of the collections that they were given: a caller may use its own for the next options.</summary>
public class CopiedOptionsTests
{
    [Fact]
    public void OptionsDoNotSeeLaterChangesOfACollection()
    {
        HashSet<string> outputs = ["a"];
        List<string> arguments = ["a"];
        var run = new RunOptions { Outputs = outputs };
        var processes = new ProcessOptions { Arguments = arguments };
        var executor = new ProcessExecutorOptions { Arguments = arguments };
        var environment = new Dictionary<string, string?> { ["A"] = "a" };
        var python = new PythonOptions { ImportPaths = arguments, Environment = environment };
        environment.Clear();
        outputs.Clear();
        arguments.Clear();
        Assert.Equal(["a"], run.Outputs);
        Assert.Equal(["a"], processes.Arguments);
        Assert.Equal(["a"], executor.Arguments);
        Assert.Equal(["a"], python.ImportPaths);
        Assert.Equal(["A"], python.Environment.Keys);
    }
}
