// The examples of the five projects that Sluice comes from, a file for each: what the original does in a sentence, ours as code, and its
// output checked.
using Originals;
using Originals.Aiodag;
using Originals.AsyncDataFlow;
using Originals.Consecution;
using Originals.Datagraph;
using Originals.Fastdag;

(string Name, Func<Task> RunAsync)[] examples =
[
    ("aiodag/etl", Etl.RunAsync),
    ("aiodag/dynamic", Dynamic.RunAsync),
    ("aiodag/exogenous", Exogenous.RunAsync),
    ("aiodag/raw", Raw.RunAsync),
    ("fastdag/fanout", Fanout.RunAsync),
    ("fastdag/changed-graph", ChangedGraph.RunAsync),
    ("async-data-flow/foo-bar", FooBar.RunAsync),
    ("async-data-flow/visibility", ArgumentVisibility.RunAsync),
    ("async-data-flow/mapper", Mapper.RunAsync),
    ("async-data-flow/dispatch", Dispatch.RunAsync),
    ("async-data-flow/concurrent", Concurrent.RunAsync),
    ("async-data-flow/errors", Errors.RunAsync),
    ("consecution/pipelines", Pipelines.RunAsync),
    ("consecution/broadcasting", Broadcasting.RunAsync),
    ("consecution/routing", Routing.RunAsync),
    ("consecution/merging", Merging.RunAsync),
    ("consecution/local-state", LocalState.RunAsync),
    ("consecution/global-state", GlobalState.RunAsync),
    ("consecution/map", Map.RunAsync),
    ("consecution/reduce", Reduce.RunAsync),
    ("consecution/filter", Filter.RunAsync),
    ("consecution/group-by", GroupBy.RunAsync),
    ("consecution/plugins", Plugins.RunAsync),
    ("consecution/aggregation", Aggregation.RunAsync),
    ("consecution/entropy", Entropy.RunAsync),
    ("consecution/airports", Airports.RunAsync),
    ("consecution/composition", Composition.RunAsync),
    ("consecution/consecutors", Consecutors.RunAsync),
    ("consecution/robustness", Robustness.RunAsync),
    ("consecution/timed-producers", TimedProducers.RunAsync),
    ("datagraph/foobar", Foobar.RunAsync),
    ("datagraph/waiting-processor", WaitingProcessor.RunAsync),
    ("datagraph/several-streams", SeveralStreams.RunAsync),
];

if (args.FirstOrDefault(given => examples.All(example => example.Name != given)) is { } unknown)
{
    Console.Error.WriteLine(
        $"originals: there is no example \"{Line(unknown)}\". There are: {string.Join(", ", examples.Select(example => example.Name))}.");
    return 2;
}

int failed = 0;
foreach (var (name, runAsync) in examples)
{
    if (args.Length > 0 && !args.Contains(name)) continue;
    try
    {
        await runAsync();
        Console.WriteLine($"{name} ok");
    }
    catch (Exception e)
    {
        failed++;
        Console.WriteLine($"{name} FAILED: {(e is MismatchException ? "" : $"{e.GetType().Name}: ")}{Line(e.Message)}");
    }
}
return failed == 0 ? 0 : 1;

static string Line(string text) => string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));
