namespace Sluice.Pipelines;

/// <summary>The messages of compile errors, where nothing fits behind <c>|</c>. The compiler's own error, CS0019, gives no reason.
/// Operators with the lowest priority match instead, are refused, and explain what to write.</summary>
/// <remarks>A lambda without parameter types has no type of its own: only a delegate of <c>dynamic</c> takes every such lambda. The
/// refusals return the item type of the stage before them, so that the next stages cause no errors of their own.</remarks>
internal static class CompileErrors
{
    public const string Function =
        "SLU001: this function does not fit behind '|'. It must take one item of the type that the stage before it puts out (an "
        + "asynchronous "
        + "one a CancellationToken as well). Compare the two types (Source.Range puts out long); give an overloaded or generic method its "
        + "types.";

    public const string Lambda =
        "SLU001: this lambda does not compile for the items that come here (SLU007 says where). Write the type of its parameter, "
        + "(Order x) => ..., to see the compiler's own message.";

    public const string TwoParameters =
        "SLU001: a stage is called with one item, so its lambda takes one parameter; an asynchronous one may take a CancellationToken as "
        + "well. "
        + "Items with several parts are tuples: pair => pair.First + pair.Second.";

    public const string Pipe =
        "SLU001: this pipe takes another type of items than the stage before it puts out. Compare the two types, and put a map between "
        + "them.";

    public const string Sink =
        "SLU001: this sink takes another type of items than the stage before it puts out. Compare the two types, and put a map before it.";

    public const string Consecutor =
        "SLU001: this consecutor takes another type of items than the stage before it puts out. Compare the two types, and put a map "
        + "before it.";

    public const string SinkInBrackets =
        "SLU001: this is no sink of the items that come here. Methods in brackets return void or Task and take one item of the type that "
        + "the "
        + "stage before them puts out; branches that put something out are written source => source | Stage, all of them.";

    public const string Key =
        "SLU001: the key function takes another type than the items that come here. Stage.KeyBy stands before the stage that it runs in "
        + "lanes, "
        + "so its function takes the items that go into that stage.";

    public const string Branches =
        "SLU001: these branches do not fit together. All must take the items that come here, and either all put out the same type or all "
        + "end "
        + "in a sink. Let a map at the end of each branch bring them to one type.";

    public const string BehindASink =
        "SLU001: nothing comes out of a sink, so there is nothing for a stage behind it. A void or Task method ends the pipeline: return "
        + "the "
        + "item to go on, use Do for a side effect in the middle, or write several sinks in brackets: source | [First, Second].";

    public const string Anything =
        "SLU001: this is no stage. Behind '|' stands a function of one item, a Pipe, a Graph, a Sink, a Consecutor (behind a source), a "
        + "node "
        + "(StageNode.Of(() => new N())), branches in brackets, or an annotation (Stage.Parallel(8)).";

    public const string MergedPipes =
        "SLU020: these are pipes, which have no items yet. Write 'Pipe.Merge(p, q)': every item that comes goes into each of them, and "
        + "what comes out is merged.";

    public const string MergedSources =
        "SLU020: these are sources. Write 'Source.Merge(a, b) | ...'; or, in a chain, '(source | F).Merge(other)'.";

    public const string AwaitedPipeline =
        "SLU023: a pipeline is a value, and is not running. Write 'await pipeline.RunAsync()' to run it to its end.";

    public const string PushToken =
        "PushAsync takes no token: the run cancels what waits for it. Write 'output.PushAsync(item)'.";

    public const string AwaitedSource =
        "SLU023: a source is a value, and is not running. Write 'await source.ToListAsync()' for its items, or give it an end and run "
        + "that: 'await (source | Save).RunAsync()'.";

    public const string RunSource =
        "SLU024: a source cannot run, because nothing takes its items. Give it an end, '(source | Save).RunAsync()'; or collect its "
        + "items, 'source.ToListAsync()'. If another error is reported in this chain, correct that one first.";

    public const string RunSink =
        "SLU024: a pipe or a sink cannot run, because nothing makes items for it. Put a source before it: '(source | pipe | "
        + "Save).RunAsync()'. If another error is reported in this chain, correct that one first.";

    public const string NodeInstance =
        "SLU025: StageNode.Of takes a function that makes a node, 'StageNode.Of(() => new Totals())', because every run and every lane "
        + "has a node of its own.";

    public const string KeyWithoutType =
        "SLU026: the key function does not say which items it takes. Write the type of its parameter: 'Stage.KeyBy((Order order) => "
        + "order.Customer)'.";

    public const string FormWithoutType =
        "SLU021: C# cannot see from here which items come. Write their type, 'Pipe.Where((Order order) => order.IsOpen)' or "
        + "'Pipe.Where<Order>(IsOpen)'; or use the method, "
        + "'(source | Work).Where(order => order.IsOpen)'.";

    public const string OpenBody =
        "SLU027: this body puts out items, and nothing takes them. End it in a sink: 'source => source | Work | Save', or in an output, "
        + "'| Sink.Output<Order>(\"orders\")'.";

    public const string EnumeratedSource =
        "SLU033: a source is a value, and has no items before it runs. Write 'await foreach (var item in source.ToAsyncEnumerable())', or "
        + "'await source.ToListAsync()' for a list.";

    public const string KeyAmongOptions =
        "SLU034: the key is no option, because it depends on the type of the items. Write it behind the consecutor: 'new "
        + "Consecutor<Order>(\"orders\", body, options) { Key = order => order.Customer }'.";

    public static NotSupportedException Refused() => new("An operator that is only there to be refused by the compiler.");
}
