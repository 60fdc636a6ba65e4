using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Programs;

/// <summary>Graphs that the command line finds in this assembly. Using the type writes a file: no code may run unasked.</summary>
internal static class GraphMembers
{
    public static readonly Topology? Missing;

    static GraphMembers() => File.WriteAllText("code-has-run.txt", "");

    public static Pipeline Printed()
    {
        Console.WriteLine("the numbers are made");
        return Numbers;
    }

    public static Pipeline Numbers => Source.From([1, 2]) | Twice | (static _ => { });

    public static Pipeline Fails() => throw new InvalidOperationException("no numbers today");

    public static Pipeline Hangs()
    {
        Console.Error.WriteLine("it hangs");
        Thread.Sleep(Timeout.Infinite);
        return Numbers;
    }

    public static Pipeline Needs(int count) => Numbers;

    public static class Flows
    {
        public static Flow Hello { get; } = Flow.From(new Processor("hello") { Outputs = ["greeting"] },
            new Processor("print") { Inputs = ["greeting"] });
    }

    private static int Twice(int number) => 2 * number;
}
